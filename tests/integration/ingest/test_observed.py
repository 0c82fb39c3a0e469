"""What a real ingest says of a camera on the bus: a covered lens, a wiped one, bad files, a stop."""

import subprocess
from pathlib import Path

from libs.video.ffmpeg import ffmpeg_program
from tests.integration.ingest.site import QueueSite, anchored, queue_site

FILMS = {
    "room.mp4": "testsrc2=s=320x240:r=5,trim=duration=15",
    "cloth.mp4": "color=0x6b4a3a:s=320x240:r=5,noise=alls=6:allf=t,trim=duration=20",
}


def test_a_covered_lens_a_bad_file_and_a_stop_are_facts_in_their_order(tmp_path: Path) -> None:
    with queue_site(tmp_path, anchored(10)) as site:
        for name, source in FILMS.items():
            made = ("-pix_fmt", "yuv420p", "-preset", "ultrafast", str(site.videos() / name))
            command = [ffmpeg_program(), "-v", "error", "-f", "lavfi", "-i", source, *made]
            subprocess.run(command, check=True, timeout=60)
        (site.videos() / "bad.mp4").write_text("this is no video")
        site.play(["room.mp4", "cloth.mp4", "room.mp4"])
        site.start()
        site.until(lambda: "covered" in states(site), 40)
        site.until(lambda: states(site)[-1] == "online", 40)
        site.change(["room.mp4", "bad.mp4"])
        site.until(lambda: "degraded" in states(site), 40)
        site.until(lambda: states(site)[-1] == "online", 20)
        site.wish(running=False)
        site.until(lambda: states(site)[-1] == "stopped", 20)
        told = site.states()
    order = [state for state, _ in told]
    assert order.index("covered") < order.index("degraded") < order.index("stopped") == len(order) - 1
    assert order[order.index("covered") + 1] == order[order.index("degraded") + 1] == "online"
    assert [cause for _, cause in told if "bad.mp4" in cause] == ["bad.mp4: is no video file"]


def states(site: QueueSite) -> list[str]:
    """What was said so far, without causes."""
    return [state for state, _ in site.states()]
