// The shell of the page: asks the server, drives hls.js, and draws what player.js decides.

import { initial, step, STILL_LIVE_MS } from "./player.js";
import { draw, el } from "./screen.js";
import { signIn, signOut, whoWatches } from "./session.js";
import { TEXTS, preferred } from "./texts.js";

const POLL_MS = 1000;
const IMPATIENT_MS = 300; // while the video has not begun
const STILL_MARGIN_MS = 2000; // a still about to become stale is not asked for: a refusal would be a console error

let language = stored() ?? preferred(navigator.languages);
let cameras = null;
let chosen = null;
let state = initial();
let hls = null;
let playedTo = -1;
let slot = null; // of the still that is loaded or being loaded
let session = null; // who watches, once it is known
let signedOut = false;
let refused = ""; // what came of the last try to sign in
let wishing = null; // what the person asked for, until the server says the same

// --- what happened

function dispatch(event) {
  const [next, effects] = step(state, { at: performance.now(), random: Math.random(), ...event });
  state = next;
  effects.forEach((effect) => EFFECTS[effect]());
}

function choose(camera) {
  dispatch({ type: "empty" });
  chosen = camera?.camera_id ?? null;
  slot = null;
  wishing = null;
  el.failed.textContent = "";
  el.still.hidden = true;
}

async function poll() {
  const sent = performance.now();
  try {
    const answer = await fetch("/api/v1/cameras", { cache: "no-store", signal: AbortSignal.timeout(5000) });
    if (answer.status === 401) return leave();
    if (!answer.ok) throw new Error(String(answer.status));
    session ??= await whoWatches();
    signedOut = false;
    const at = (sent + performance.now()) / 2;
    const clock = { at, site: Number(answer.headers.get("Dolbom-Now")), speed: Number(answer.headers.get("Dolbom-Speed")) };
    take((await answer.json()).items, clock);
  } catch {
    dispatch({ type: "away" });
  }
}

// Nobody is signed in (any more): nothing of what was shown stays.
function leave() {
  signedOut = true;
  session = cameras = null;
  choose(null);
  el.still.removeAttribute("src");
  el["now-still"].removeAttribute("src");
  show();
}

async function enter(event) {
  event.preventDefault();
  el.enter.disabled = true;
  refused = await signIn(el.user.value.trim(), el.password.value);
  el.enter.disabled = false;
  el.password.value = "";
  if (refused === "ok") await poll();
  show();
}

function take(items, clock) {
  cameras = items;
  const camera = items.find((item) => `#${item.camera_id}` === location.hash) ?? items[0] ?? null;
  if (chosen !== (camera?.camera_id ?? null)) choose(camera);
  if (!camera) return dispatch({ type: "empty" });
  if (camera.desired === wishing) wishing = null;
  dispatch({ type: "camera", camera, clock });
  loadStill(camera, clock.speed);
}

async function loadStill({ picture, now_url: url, camera_id: id, desired }, speed) {
  if (!picture?.live || desired !== "running" || picture.slot === slot) return;
  if (picture.age_ms > (STILL_LIVE_MS - STILL_MARGIN_MS) * speed) return;
  slot = picture.slot;
  try {
    const answer = await fetch(url, { cache: "no-store", signal: AbortSignal.timeout(5000) });
    if (!answer.ok) return;
    const address = URL.createObjectURL(await answer.blob());
    const before = el.still.src;
    await Object.assign(new Image(), { src: address }).decode();
    if (id !== chosen) return URL.revokeObjectURL(address);
    el.still.src = el["now-still"].src = address;
    if (before) URL.revokeObjectURL(before);
    dispatch({ type: "still", site: Date.parse(answer.headers.get("Dolbom-At")) });
  } catch {
    slot = null;
  }
}

async function wish(desired) {
  const { camera_id: id } = state.camera;
  const verb = desired === "running" ? "start" : "stop";
  wishing = desired;
  el.failed.textContent = "";
  const headers = { "Idempotency-Key": `page-${id}-${Math.random().toString(36).slice(2)}` };
  const answer = await fetch(`/api/live-monitoring/${verb}-hls-stream/${id}`, { method: "POST", headers }).catch(() => null);
  if (!answer?.ok) {
    wishing = null;
    el.failed.textContent = TEXTS[language].wishFailed;
  }
  await poll();
}

// --- what is to be done

const EFFECTS = {
  attach() {
    const { video } = el;
    const url = state.camera.hls_url;
    playedTo = -1;
    if (globalThis.Hls?.isSupported()) {
      // "Native first" is a trap: Chromium says "maybe" to HLS, and falls far behind.
      hls = new Hls({
        liveSyncDuration: 15,
        liveMaxLatencyDuration: 40,
        liveMaxUnchangedPlaylistRefresh: 4,
        backBufferLength: 30,
      });
      hls.on(Hls.Events.ERROR, (_, { fatal, type }) => {
        if (fatal) dispatch({ type: "fatal", kind: type === Hls.ErrorTypes.MEDIA_ERROR ? "media" : "network" });
      });
      hls.loadSource(url);
      hls.attachMedia(video);
    } else {
      video.src = url;
    }
    EFFECTS.play();
  },
  detach() {
    hls?.destroy();
    hls = null;
    el.video.removeAttribute("src");
    el.video.load();
  },
  recover: () => hls?.recoverMediaError(),
  seek() {
    const { video } = el;
    const edge = hls ? hls.liveSyncPosition : video.seekable.length && video.seekable.end(0) - 15;
    if (edge) video.currentTime = edge;
  },
  play: () => el.video.play().catch(() => dispatch({ type: "pause" })),
};

// The site time of the frame on the screen: hls.js has it from EXT-X-PROGRAM-DATE-TIME, Safari from the same.
function shownAt() {
  const start = hls ? hls.playingDate?.getTime() : el.video.getStartDate?.().getTime() + el.video.currentTime * 1000;
  return Number.isFinite(start) ? start : null;
}

function listen() {
  const { video } = el;
  video.addEventListener("timeupdate", () => {
    if (Math.abs(video.currentTime - playedTo) < 0.01 || video.seeking) return;
    playedTo = video.currentTime;
    const shown = shownAt();
    if (shown !== null) dispatch({ type: "progress", shown });
  });
  video.addEventListener("pause", () => document.hidden || dispatch({ type: "pause" }));
  video.addEventListener("play", () => dispatch({ type: "play" }));
  video.addEventListener("error", () => hls || dispatch({ type: "fatal", kind: "network" }));
  const wake = async () => {
    if (document.hidden) return;
    dispatch({ type: "wake" });
    await poll();
    dispatch({ type: "wake" });
  };
  document.addEventListener("visibilitychange", wake);
  addEventListener("online", wake);
  addEventListener("pageshow", (event) => event.persisted && wake());
  addEventListener("hashchange", () => poll());
  addEventListener("keydown", (event) => {
    if (event.code === "KeyL" && !event.ctrlKey && !event.metaKey && !event.altKey) dispatch({ type: "live" });
  });
  el.live.addEventListener("click", () => dispatch({ type: "live" }));
  el.pause.addEventListener("click", () => (video.paused ? EFFECTS.play() : video.pause()));
  el.full.addEventListener("click", () => (document.fullscreenElement ? document.exitFullscreen() : el.screen.requestFullscreen()));
  el.wish.addEventListener("click", () => (state.camera.desired === "running" ? el.confirm.showModal() : wish("running")));
  el.cancel.addEventListener("click", () => el.confirm.close());
  el.yes.addEventListener("click", () => {
    el.confirm.close();
    wish("stopped");
  });
  el["sign-in"].addEventListener("submit", enter);
  el["sign-out"].addEventListener("click", async () => {
    await signOut();
    await poll();
  });
  el.language.addEventListener("click", () => {
    language = language === "ko" ? "en" : "ko";
    remember(language);
    show();
  });
}

const show = () => draw({ state, cameras, chosen, language, wishing, session, signedOut, refused });

// The language that was chosen here before.
function stored() {
  try {
    return ["ko", "en"].find((known) => known === localStorage.getItem("language"));
  } catch {
    return undefined; // storage may be forbidden; then the browser's language counts
  }
}

function remember(value) {
  try {
    localStorage.setItem("language", value);
  } catch {
    // as above
  }
}

async function main() {
  listen();
  show();
  setInterval(() => {
    if (document.hidden) return; // browsers slow a hidden page down; that is no fault of the stream
    dispatch({ type: "tick" });
    show();
  }, 250);
  for (;;) {
    if (!document.hidden && !signedOut) await poll();
    const waiting = state.camera?.desired === "running" && !state.stream.on;
    await new Promise((resolve) => setTimeout(resolve, waiting ? IMPATIENT_MS : POLL_MS));
  }
}

main();
