// The page's reducer: what it does and shows, moment by moment.

import assert from "node:assert/strict";
import { test } from "node:test";

import { initial, look, step } from "../../../services/query/web/player.js";
import { TEXTS, preferred } from "../../../services/query/web/texts.js";

const T0 = Date.parse("2026-11-24T05:00:00Z"); // site time when `at` is 0
const camera = (changes = {}) => ({
  camera_id: "camera-1",
  desired: "running",
  observed: { state: "online" },
  picture: null,
  hls: null,
  ...changes,
});
const picture = (at) => ({ at: new Date(T0 + at).toISOString(), live: true });
const listed = (until, changes = {}) => ({
  segments: 3,
  seconds: 30,
  ended: false,
  until: new Date(T0 + until).toISOString(),
  ...changes,
});

// Runs events one after another and collects what is to be done.
function page(speed = 1) {
  let state = initial();
  const done = [];
  const send = (at, type, more = {}) => {
    const [next, effects] = step(state, { type, at, random: 0.5, ...more });
    state = next;
    done.push(...effects);
    return effects;
  };
  return {
    send,
    done,
    says: (at, changes) => send(at, "camera", { camera: camera(changes), clock: { site: T0 + at * speed, at, speed } }),
    plays: (at, shown) => send(at, "progress", { shown: T0 + shown }),
    loads: (at, taken) => send(at, "still", { site: T0 + taken }),
    look: (at) => look(state, at),
  };
}

function playing() {
  const p = page();
  p.says(0, { hls: listed(-2000), picture: picture(-1000) });
  p.loads(10, -1000);
  p.plays(1000, -20_000);
  return p;
}

test("nothing is claimed before the server spoke", () => {
  const p = page();
  assert.equal(p.look(0).note, "loading");
  p.send(1, "away");
  assert.equal(p.look(2).note, "away");
});

test("the still comes first, with its age by the server's clock", () => {
  const p = page();
  p.says(5000, { picture: picture(4000) });
  assert.equal(p.look(5000).note, "waiting");
  p.loads(5100, 4000);
  const { front, badge, age, note, dim } = p.look(6000);
  assert.deepEqual([front, badge, age, note, dim], ["still", "still", 2000, "starting", false]);
});

test("a stream is opened at two segments and twelve seconds", () => {
  const p = page();
  assert.deepEqual(p.says(0, { hls: listed(-1000, { segments: 1, seconds: 10 }) }), []);
  assert.deepEqual(p.says(1000, { hls: listed(0, { segments: 2, seconds: 11 }) }), []);
  assert.deepEqual(p.send(1900, "tick"), []);
  assert.deepEqual(p.send(2000, "tick"), ["attach"]);
  assert.deepEqual(p.send(2100, "tick"), []);
});

test("a list that has ended, or ended long ago, is not opened", () => {
  const p = page();
  assert.deepEqual(p.says(0, { hls: listed(-1000, { ended: true }) }), []);
  assert.deepEqual(p.says(1000, { hls: listed(-60_000) }), []);
  assert.deepEqual(p.says(2000, { hls: listed(1000), desired: "stopped" }), []);
  assert.deepEqual(p.says(3000, { hls: listed(2000) }), ["attach"]);
});

test("live video is called live, and its age counts on between frames", () => {
  const p = playing();
  const { front, badge, age, note, canGoLive } = p.look(2000);
  assert.deepEqual([front, badge, age, note, canGoLive], ["video", "live", 22_000, null, false]);
});

test("the age follows a site clock that runs faster", () => {
  const p = page(10);
  p.says(0, { hls: listed(-2000), picture: picture(0) });
  p.plays(100, -50_000);
  assert.equal(p.look(1000).age, 60_000);
  assert.equal(p.look(1000).badge, "live");
});

test("above forty seconds it is late, and one can go to live", () => {
  const p = playing();
  p.plays(5000, -40_000);
  p.loads(5000, 4500);
  assert.deepEqual([p.look(6000).badge, p.look(6000).canGoLive], ["behind", true]);
  assert.deepEqual(p.send(6000, "live"), ["seek", "play"]);
  assert.deepEqual(p.send(6000, "wake"), ["seek", "play"]);
});

test("a frozen video gives way to fresh stills", () => {
  const p = playing();
  p.loads(13_000, 12_500);
  const { front, badge, note, dim, canGoLive } = p.look(14_000);
  assert.deepEqual([front, badge, note, dim, canGoLive], ["still", "still", "broken", false, true]);
});

test("a picture that comes no more is dimmed, labelled and dated", () => {
  const p = playing();
  const { badge, note, dim, since } = p.look(14_000);
  assert.deepEqual([badge, note, dim, since], ["lost", "lost", true, T0 - 1000]);
});

test("a dark camera is told while the last seconds of video still run", () => {
  const p = playing();
  p.says(14_000, { hls: listed(9000), picture: picture(-1000), observed: { state: "offline" } });
  p.plays(15_000, -6000);
  const { front, badge, note, dim, since } = p.look(15_000);
  assert.deepEqual([front, badge, note, dim, since], ["video", "behind", "lost", false, T0 - 1000]);
});

test("video that is younger than the last still is no lost picture", () => {
  const p = playing();
  p.plays(29_000, 9000);
  p.says(30_000, { hls: listed(28_000), picture: picture(-1000) });
  assert.deepEqual([p.look(30_000).badge, p.look(30_000).note], ["live", null]);
});

test("a stall reopens the stream, but never to play the past again", () => {
  const p = playing();
  p.plays(9000, -3000);
  assert.deepEqual(p.send(28_000, "tick"), []);
  assert.deepEqual(p.send(29_001, "tick"), ["detach"]);
  assert.deepEqual(p.says(31_000, { hls: listed(-2000) }), []);
  assert.deepEqual(p.says(40_000, { hls: listed(39_000) }), ["attach"]);
});

test("network faults back off with jitter, and are forgotten after ten good seconds", () => {
  const p = playing();
  assert.deepEqual(p.send(2000, "fatal", { kind: "network" }), ["detach"]);
  const fresh = () => ({ hls: listed(60_000), picture: picture(0) });
  assert.deepEqual(p.says(2400, fresh()), []);
  assert.deepEqual(p.says(2500, fresh()), ["attach"]);
  let at = 2500;
  for (const tries of [1, 2, 3, 4, 5, 6, 7]) {
    const wait = 0.5 * Math.min(30_000, 1000 * 2 ** tries);
    p.send((at += 100), "fatal", { kind: "network" });
    at += wait;
    assert.deepEqual(p.says(at - 1, { hls: listed(at) }), [], `try ${tries}`);
    assert.deepEqual(p.says(at, { hls: listed(at) }), ["attach"], `try ${tries}`);
  }
  p.plays(at + 10_001, at - 10_000);
  p.send(at + 10_002, "fatal", { kind: "network" });
  assert.deepEqual(p.says(at + 10_502, { hls: listed(at + 10_000) }), ["attach"]);
});

test("back on line the back-off is over at once", () => {
  const p = playing();
  for (const at of [2000, 30_000, 60_000]) {
    p.send(at, "fatal", { kind: "network" });
    p.says(at + 16_000, { hls: listed(at + 16_000) });
  }
  p.send(80_000, "fatal", { kind: "network", random: 1 });
  assert.deepEqual(p.send(80_100, "wake"), ["attach"]);
});

test("media faults are recovered from at most once in five seconds", () => {
  const p = playing();
  assert.deepEqual(p.send(2000, "fatal", { kind: "media" }), ["recover"]);
  assert.deepEqual(p.send(4000, "fatal", { kind: "media" }), ["detach"]);
  assert.deepEqual(p.send(4001, "fatal", { kind: "media" }), []);
});

test("after a pause of more than five seconds it goes on at the present", () => {
  const p = playing();
  p.send(2000, "pause");
  assert.deepEqual([p.look(30_000).badge, p.look(30_000).front], ["lost", "video"]);
  p.loads(30_000, 29_000);
  assert.deepEqual([p.look(30_000).badge, p.look(30_000).note], ["behind", "paused"]);
  assert.deepEqual(p.send(30_000, "play"), ["seek"]);
  p.send(31_000, "pause");
  assert.deepEqual(p.send(33_000, "play"), ["seek"]); // still more than 40 s behind
  p.plays(34_000, 20_000);
  p.send(35_000, "pause");
  assert.deepEqual(p.send(36_000, "play"), []);
});

test("a paused stream is not torn down", () => {
  const p = playing();
  p.send(2000, "pause");
  assert.deepEqual(p.send(200_000, "tick"), []);
  assert.deepEqual(p.send(200_000, "wake"), []);
});

test("stopped is a state, not an error", () => {
  const p = playing();
  assert.deepEqual(p.says(3000, { desired: "stopped", hls: listed(0, { ended: true }), picture: picture(0) }), ["detach"]);
  const { front, badge, note } = p.look(60_000);
  assert.deepEqual([front, badge, note], ["none", null, "stopped"]);
});

test("a new run is opened anew", () => {
  const p = playing();
  p.says(2000, { hls: listed(0, { ended: true }) });
  assert.deepEqual(p.says(4000, { hls: listed(3000, { segments: 1, seconds: 4 }) }), ["detach"]);
  assert.deepEqual(p.says(14_000, { hls: listed(13_000, { segments: 2, seconds: 14 }) }), ["attach"]);
});

test("a run that ended plays out", () => {
  const p = playing();
  assert.deepEqual(p.says(2000, { hls: listed(0, { ended: true }) }), []);
  p.plays(10_000, 0);
  assert.deepEqual(p.says(23_000, { hls: listed(0, { ended: true }) }), ["detach"]);
});

test("another camera begins from nothing", () => {
  const p = playing();
  assert.deepEqual(p.send(2000, "empty"), ["detach"]);
  assert.equal(p.look(2000).note, "loading");
});

test("both languages say everything", () => {
  const shape = (value) =>
    typeof value === "object" ? Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, shape(inner)])) : typeof value;
  assert.deepEqual(shape(TEXTS.ko), shape(TEXTS.en));
});

test("ages in words", () => {
  const ages = [0, 17, 99, 100, 120, 3600, 3661].map((seconds) => [TEXTS.ko.age(seconds), TEXTS.en.age(seconds)]);
  assert.deepEqual(ages, [
    ["0초 전", "0 s ago"],
    ["17초 전", "17 s ago"],
    ["99초 전", "99 s ago"],
    ["1분 40초 전", "1 min 40 s ago"],
    ["2분 전", "2 min ago"],
    ["1시간 전", "1 h ago"],
    ["1시간 1분 전", "1 h 1 min ago"],
  ]);
});

test("the language of the browser", () => {
  assert.deepEqual(
    [["ko-KR", "en"], ["ko"], ["en-US", "ko"], ["de"], []].map(preferred),
    ["ko", "ko", "en", "en", "en"],
  );
});
