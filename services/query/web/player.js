// What the page does and shows, as pure functions of what happened: no DOM, no network, no clock.
//
// `at` is the browser's monotonic clock in ms; `site` is the server's site time in Unix ms. A viewer's own clock is
// never asked. step(state, event) gives [state, effects]; look(state, at) gives what to show.

export const STALLED_MS = 12_000; // without a new frame the picture counts as frozen
export const RESTART_MS = 20_000; // and after this long the stream is opened anew
export const LATE_MS = 40_000; // older than this is not "live"
export const STILL_LIVE_MS = 10_000; // as the server has it
export const HOLD_S = 12; // a stream that lists less would stall after its first, short segment
const PAUSE_MS = 5_000; // a shorter pause goes on where it was
const RECOVER_MS = 5_000;
const PROVEN_MS = 10_000;

const off = { on: false, since: 0, moved: 0, started: false, paused: null, listedEnd: false };

export const initial = () => ({
  camera: null, // what the server said last
  reachable: true,
  clock: null, // { site, at, speed }
  still: null, // site time of the still that is loaded
  shown: null, // site time of the newest video frame that was shown
  readyAt: null, // when a stream that lists too little may be opened
  notBefore: 0, // back-off
  tries: 0,
  recovered: -Infinity,
  stream: off,
});

export function siteNow(state, at) {
  const { clock } = state;
  return clock && clock.site + (at - clock.at) * clock.speed;
}

export function step(state, event) {
  const { at } = event;
  const { stream } = state;
  switch (event.type) {
    case "camera":
      return settle({ ...state, camera: event.camera, clock: event.clock, reachable: true }, event);
    case "away":
      return settle({ ...state, reachable: false }, event);
    case "tick":
      return settle(state, event);
    case "empty": // no camera, or another one
      return [initial(), stream.on ? ["detach"] : []];
    case "still":
      return [{ ...state, still: event.site }, []];
    case "progress": {
      if (!stream.on) return [state, []];
      const tries = at - stream.since > PROVEN_MS ? 0 : state.tries;
      return [{ ...state, tries, shown: event.shown, stream: { ...stream, moved: at, started: true } }, []];
    }
    case "pause":
      return [{ ...state, stream: { ...stream, paused: stream.on ? (stream.paused ?? at) : null } }, []];
    case "play": {
      if (stream.paused === null) return [state, []];
      const seek = at - stream.paused > PAUSE_MS || late(state, at);
      return [{ ...state, stream: { ...stream, paused: null, moved: at } }, seek ? ["seek"] : []];
    }
    case "wake": // visible again, on line again, back from the browser's cache
      if (stream.on && stream.paused === null) {
        if (late(state, at)) return goLive(state, at);
        return [{ ...state, stream: { ...stream, moved: at } }, ["play"]];
      }
      return settle({ ...state, notBefore: 0 }, event);
    case "live":
      return stream.on ? goLive(state, at) : settle({ ...state, notBefore: 0 }, event);
    case "fatal":
      if (!stream.on) return [state, []];
      if (event.kind === "media" && at - state.recovered > RECOVER_MS) {
        return [{ ...state, recovered: at }, ["recover"]];
      }
      return giveUp(state, event);
    default:
      return [state, []];
  }
}

// Opens, closes or reopens the stream as the camera's state and the time that passed call for.
function settle(state, event) {
  const { stream, camera } = state;
  const { at } = event;
  if (stream.on) {
    const ended = camera.hls?.ended ?? false;
    const quiet = stream.paused === null ? at - stream.moved : 0;
    if (camera.desired !== "running" || (stream.listedEnd && !ended) || (ended && quiet > STALLED_MS)) {
      return [{ ...state, stream: off }, ["detach"]];
    }
    if (!ended && quiet > RESTART_MS) return giveUp(state, event);
    return [ended === stream.listedEnd ? state : { ...state, stream: { ...stream, listedEnd: ended } }, []];
  }
  if (!playable(state, at)) return [state.readyAt === null ? state : { ...state, readyAt: null }, []];
  const readyAt = state.readyAt ?? at + Math.max(0, HOLD_S - camera.hls.seconds) * 1000;
  if (at < Math.max(readyAt, state.notBefore)) return [{ ...state, readyAt }, []];
  return [{ ...state, readyAt: null, stream: { ...off, on: true, since: at, moved: at } }, ["attach"]];
}

// Joining when one segment is listed gives ten seconds of nothing and two more stalls; joining at two gives none.
// A list that ends long ago, or with what was shown already, is not worth opening: it would play the past again.
function playable(state, at) {
  const hls = state.camera?.hls;
  if (state.camera?.desired !== "running" || !hls || hls.ended || hls.segments < 2) return false;
  if (!hls.until) return true;
  const until = Date.parse(hls.until);
  return siteNow(state, at) - until < LATE_MS * state.clock.speed && until > (state.shown ?? 0) + 1000;
}

function goLive(state, at) {
  return [{ ...state, stream: { ...state.stream, paused: null, moved: at } }, ["seek", "play"]];
}

// Full jitter, 1 to 30 s: many pages that lost the same server do not come back in step.
function giveUp(state, { at, random }) {
  const wait = random * Math.min(30_000, 1000 * 2 ** state.tries);
  return [{ ...state, tries: state.tries + 1, notBefore: at + wait, stream: off }, ["detach"]];
}

function late(state, at) {
  return state.shown !== null && siteNow(state, at) - state.shown > LATE_MS * state.clock.speed;
}

// front: which picture; dim: it is not the present; badge and age beside it; note: the words; since: of the note.
export function look(state, at) {
  const { camera, clock, stream, still } = state;
  const blank = { front: "none", dim: false, badge: null, age: null, since: null, canGoLive: false };
  if (!camera) return { ...blank, note: state.reachable ? "loading" : "away" };
  if (camera.desired !== "running") return { ...blank, note: "stopped" };
  const now = siteNow(state, at);
  const open = stream.on && stream.started;
  const moving = open && (stream.paused !== null || at - stream.moved <= STALLED_MS);
  const taken = newest(still, camera.picture && Date.parse(camera.picture.at));
  const fresh = now - (still ?? taken ?? -Infinity) <= STILL_LIVE_MS * clock.speed;
  const seen = newest(taken, state.shown);
  if (seen === null) return { ...blank, note: state.reachable ? "waiting" : "away" };
  const lost = !fresh && (!moving || dark(state, taken));
  const front = moving ? "video" : still !== null ? "still" : open ? "video" : "none";
  const age = Math.max(0, now - (front === "video" ? state.shown : (still ?? seen)));
  const late = age > LATE_MS * clock.speed;
  return {
    front,
    age,
    dim: lost && !(moving && stream.paused === null),
    badge: badge(state, { lost, moving, front, late }),
    canGoLive: stream.on && (stream.paused !== null || (open && (!moving || late))),
    since: lost ? (moving ? taken : seen) : null,
    note: note(state, { lost, moving, front, open }),
  };
}

// The video is some seconds old: it may still run when the camera has long gone dark.
function dark(state, taken) {
  if (taken === null) return false;
  return state.camera.observed?.state === "offline" || state.shown === null || state.shown <= taken + 5000;
}

function badge({ stream }, { lost, moving, front, late }) {
  if (lost) return moving && stream.paused === null ? "behind" : "lost";
  if (front === "still") return "still";
  return late || stream.paused !== null ? "behind" : "live";
}

function note(state, { lost, moving, front, open }) {
  if (lost) return state.reachable ? "lost" : "away";
  if (state.stream.paused !== null) return "paused";
  if (moving) return null;
  if (front !== "still") return "waiting";
  return open || state.tries > 0 ? "broken" : "starting";
}

function newest(...times) {
  const known = times.filter((time) => time !== null && time !== undefined);
  return known.length ? Math.max(...known) : null;
}
