"""Which file is next: every file once a round in the order of the list, whatever is added, taken out or broken."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from libs.contracts.positions import Position
from services.ingest.queue import Queue, resumed

NAMES = st.sampled_from("abcdefg")
LISTS = st.lists(NAMES, max_size=8).map(tuple)
SOME = st.lists(NAMES, min_size=1, max_size=8).map(tuple)
SETS = st.lists(NAMES, min_size=1, max_size=7, unique=True).map(tuple)


def play(queue: Queue, count: int) -> tuple[Queue, list[str]]:
    """Files that play to their ends."""
    played = []
    for _ in range(count):
        if not queue.due:
            break
        played.append(queue.due)
        queue = queue.taken().gave()
    return queue, played


def after(files: str, plays: int, then: str, *, loop: bool = True) -> str:
    """What is played after the list became another while file number `plays` of it was on; one round of it."""
    queue, _ = play(Queue(tuple(files), loop), plays)
    return "".join(play(queue.changed(tuple(then), loop), len(then))[1])


@given(SOME, st.integers(1, 4))
def test_a_looped_list_is_played_in_its_order_over_and_over(files: tuple[str, ...], rounds: int) -> None:
    assert play(Queue(files, True), len(files) * rounds)[1] == list(files) * rounds


@given(LISTS)
def test_a_list_played_once_ends_after_its_last_file(files: tuple[str, ...]) -> None:
    queue, played = play(Queue(files, False), 100)
    assert played == list(files)
    assert queue.ended == bool(files), "a list without files has no end: files may come"


@given(SOME, st.integers(0, 20), st.lists(st.tuples(LISTS, st.integers(0, 5)), max_size=5))
def test_changes_leave_none_out_play_none_twice_and_nothing_that_was_taken_out(
    files: tuple[str, ...], plays: int, changes: list[tuple[tuple[str, ...], int]]
) -> None:
    queue, _ = play(Queue(files, True), plays)
    for changed, count in changes:
        queue = queue.changed(changed, True)
        _, following = play(queue, len(changed))
        assert Counter(following) == Counter(changed), "a round of the new list is the whole new list"
        start = queue.at % len(changed) if changed else 0
        assert following == [*changed[start:], *changed[:start]], "in its order"
        queue, _ = play(queue, count)


@given(SETS, st.integers(1, 20), st.data())
def test_the_follower_in_the_new_list_comes_next(files: tuple[str, ...], plays: int, data: st.DataObject) -> None:
    queue, played = play(Queue(files, True), plays)
    order = tuple(data.draw(st.permutations(files)))
    place = order.index(played[-1])
    assert queue.changed(order, True).due == order[(place + 1) % len(order)]


def test_what_comes_after_a_change() -> None:
    assert after("abc", 2, "abc") == "cab"
    assert after("abc", 2, "abxc") == "xcab", "added after what plays"
    assert after("abc", 2, "xabc") == "cxab", "added before it: within one round"
    assert after("abc", 2, "ac") == "ca", "what plays was taken out: the file after it is next"
    assert after("abc", 2, "cxa") == "cxa", "the same in another order"
    assert after("abc", 3, "ab") == "ab", "the last was taken out: a new round"
    assert after("abc", 3, "abx") == "xab", "the last was replaced"
    assert after("ab", 2, "xy") == "xy", "all were replaced"
    assert after("aba", 1, "aba") == "baa", "a name that stands twice: the first of them plays"
    assert after("aba", 3, "aba") == "aba"
    assert after("abc", 0, "xab") == "xab", "nothing was played yet"


def test_a_list_played_once_that_changes_plays_nothing_again() -> None:
    assert after("ab", 2, "a", loop=False) == ""
    assert after("ab", 2, "abc", loop=False) == "c"
    assert after("ab", 2, "xy", loop=False) == "xy"


def test_an_emptied_list_has_nothing_due_until_files_come() -> None:
    queue = play(Queue(("a",), True), 1)[0].changed((), True)
    assert (queue.due, queue.ended) == ("", False)
    assert queue.changed(("b", "c"), True).due == "b"


def test_a_loop_that_is_switched_off_ends_with_its_last_file() -> None:
    queue, _ = play(Queue(("a", "b"), True), 2)
    assert queue.changed(("a", "b"), False).ended
    assert queue.changed(("a", "b"), False).changed(("a", "b"), True).due == "a"


@given(SOME, st.booleans(), st.integers(1, 8))
def test_rounds_without_a_picture_come_at_growing_pauses(files: tuple[str, ...], loop: bool, rounds: int) -> None:
    queue, tried, pauses = Queue(files, loop), [], []
    for _ in range(len(files) * rounds):
        tried.append(queue.due)
        queue = queue.taken().failed()
        if queue.pause:
            pauses.append(queue.pause)
    assert tried == list(files) * rounds, "each is tried once a round"
    assert pauses == [1, 2, 4, 8, 16, 30, 30, 30][:rounds], "and not one more without a pause"
    assert queue.taken().gave().failed().pause in (0, 1), "one picture and all is well"


@given(SOME, st.data())
def test_one_good_file_keeps_the_queue_going_without_a_pause(files: tuple[str, ...], data: st.DataObject) -> None:
    good = data.draw(st.sampled_from(files))
    queue, played = Queue(files, True), []
    for _ in range(len(files) * 3):
        played.append(queue.due)
        queue = queue.taken().gave() if queue.due == good else queue.taken().failed()
        assert queue.pause == 0
    assert played == list(files) * 3


def test_a_list_played_once_that_gave_something_is_over_when_its_last_file_is_bad() -> None:
    assert Queue(("good", "bad"), False).taken().gave().taken().failed().ended


def at(file: str, frame: int, slot: int, *, then: str = "", ended: bool = False) -> Position:
    """Picture `frame` of a file whose first picture was shown right after picture 70 of file a."""
    return Position(file, frame, slot, 5, then, slot - frame, "a", 70, ended)


def test_a_restart_goes_on_with_the_picture_after_the_last_one_that_was_published() -> None:
    def found(last_slot: int | None, fps: int = 5) -> tuple[str, int]:
        queue = resumed(("a", "b"), True, at("b", 40, 1000), last_slot, fps)
        assert queue.taken().start == 0, "only that file"
        return queue.due, queue.start

    assert found(1000) == ("b", 41)
    assert found(1003) == ("b", 44), "the position was a little older"
    assert found(995) == ("b", 36), "the newest pictures were never sent"
    assert found(960) == ("b", 1)
    assert found(959) == ("b", 0)
    assert found(958) == ("a", 70), "nor was the last picture of the file before"
    assert found(950) == ("a", 62)
    assert found(800) == ("a", 0), "further back nobody remembers"
    assert found(None) == ("b", 41), "nobody knows what was published"
    assert found(1000 + 5000) == ("b", 41), "of another time"
    assert found(1000, fps=10) == ("b", 82)


def test_a_restart_after_the_file_was_taken_out_goes_on_with_the_one_after_it() -> None:
    position = at("b", 40, 1000, then="c")
    assert [resumed(files, True, position, 1000, 5).due for files in ("acd", "ad", "cb")] == ["c", "a", "b"]
    assert resumed("acd", True, position, 1000, 5).start == 0
    assert resumed((), True, position, 1000, 5).due == ""


def test_a_list_played_once_that_was_over_is_not_played_again() -> None:
    over = at("b", 40, 1000, ended=True)
    assert resumed("ab", False, over, 1000, 5).ended
    assert resumed("abc", False, over, 1000, 5).due == "c", "but what was added meanwhile is"
    assert resumed("xy", False, over, 1000, 5).due == "x"
    assert resumed("ab", True, over, 1000, 5).due == "a", "it is looped now"


def test_without_a_position_the_list_begins() -> None:
    assert resumed("ab", True, None, 1000, 5) == Queue(("a", "b"), True)
