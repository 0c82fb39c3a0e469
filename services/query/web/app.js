// The shell of the page: asks the server, drives hls.js, and draws what player.js decides.

import { initial, look, siteNow, step } from "./player.js";
import { TEXTS, preferred } from "./texts.js";

const POLL_MS = 1000;
const STILL_MARGIN_MS = 2000; // a still about to become stale is not asked for: a refusal would be a console error
const el = Object.fromEntries([...document.querySelectorAll("[id]")].map((found) => [found.id, found]));

let language = stored() ?? preferred(navigator.languages);
let cameras = null;
let chosen = null;
let state = initial();
let hls = null;
let playedTo = -1;
let slot = null; // of the still that is loaded or being loaded
let wishing = null; // what the person asked for, until the server says the same

// --- what happened

function dispatch(event) {
  const [next, effects] = step(state, { at: performance.now(), random: Math.random(), ...event });
  state = next;
  effects.forEach((effect) => EFFECTS[effect]());
}

function choose(camera) {
  if (hls || state.stream.on) EFFECTS.detach();
  chosen = camera?.camera_id ?? null;
  state = { ...initial(), reachable: state.reachable };
  slot = null;
  wishing = null;
  el.failed.textContent = "";
  el.still.hidden = true;
}

async function poll() {
  const sent = performance.now();
  try {
    const answer = await fetch("/api/v1/cameras", { cache: "no-store", signal: AbortSignal.timeout(5000) });
    if (!answer.ok) throw new Error(String(answer.status));
    const at = (sent + performance.now()) / 2;
    const clock = { at, site: Number(answer.headers.get("Dolbom-Now")), speed: Number(answer.headers.get("Dolbom-Speed")) };
    take((await answer.json()).items, clock);
  } catch {
    dispatch({ type: "away" });
  }
}

function take(items, clock) {
  cameras = items;
  const asked = decodeURIComponent(location.hash.slice(1));
  const camera = items.find((item) => item.camera_id === asked) ?? items[0];
  if (camera?.camera_id !== chosen) choose(camera);
  if (!camera) return;
  if (camera.desired === wishing) wishing = null;
  dispatch({ type: "camera", camera, clock });
  loadStill(camera, clock.speed);
}

async function loadStill({ picture, now_url: url, camera_id: id, desired }, speed) {
  if (!picture?.live || desired !== "running" || picture.slot === slot) return;
  if (picture.age_ms > (10_000 - STILL_MARGIN_MS) * speed) return;
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
  const wake = () => document.hidden || poll().then(() => dispatch({ type: "wake" }));
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
  el.language.addEventListener("click", () => {
    language = language === "ko" ? "en" : "ko";
    remember(language);
    draw();
  });
}

// --- what is shown

function draw() {
  const words = TEXTS[language];
  document.documentElement.lang = language;
  const seen = look(state, performance.now());
  drawFrame(words);
  drawTabs(words);
  const empty = cameras !== null && cameras.length === 0;
  const time = seen.since && clockTime(words, seen.since);
  const note = words.notes[empty && state.reachable ? "empty" : seen.note];
  set(el.note, typeof note === "function" ? note(time) : (note ?? ""));
  el.player.dataset.note = seen.note ?? "";
  drawScreen(words, seen);
  el.about.hidden = !state.camera;
  if (state.camera) drawAbout(words, seen);
}

function drawFrame(words) {
  set(el.tagline, words.tagline);
  set(el.language, words.other);
  el.language.lang = language === "ko" ? "en" : "ko";
  set(el.link, state.reachable ? words.connected : words.disconnected);
  el.link.dataset.ok = state.reachable;
  el.cameras.setAttribute("aria-label", words.cameras);
}

function drawTabs() {
  const items = cameras ?? [];
  el.cameras.hidden = items.length < 2;
  const key = JSON.stringify(items.map((item) => [item.camera_id, item.name]));
  if (el.cameras.dataset.key !== key) {
    el.cameras.dataset.key = key;
    el.cameras.replaceChildren(
      ...items.map((item) => Object.assign(document.createElement("a"), { href: `#${item.camera_id}`, textContent: item.name })),
    );
  }
  for (const [index, tab] of [...el.cameras.children].entries()) {
    tab.setAttribute("aria-current", String(items[index].camera_id === chosen));
  }
}

function drawScreen(words, seen) {
  const { profile } = state.camera ?? {};
  if (profile) el.screen.style.aspectRatio = `${profile.width} / ${profile.height}`;
  el.screen.dataset.dim = seen.dim;
  el.still.hidden = seen.front !== "still";
  el.still.alt = words.nowPicture;
  el.video.dataset.shown = seen.front === "video";
  el.video.setAttribute("aria-label", words.video);
  el.badge.hidden = !seen.badge;
  el.badge.dataset.kind = seen.badge ?? "";
  if (seen.badge) set(el.badge, words[seen.badge](words.age(Math.floor(seen.age / 1000))));
  el.bar.hidden = !state.stream.on || !state.stream.started;
  el.live.hidden = !seen.canGoLive;
  set(el.live, words.goLive);
  el.live.title = words.goLiveKey;
  label(el.pause, el.video.paused ? words.play : words.pause, el.video.paused ? "play" : "pause");
  label(el.full, words.fullscreen, "full");
}

function drawAbout(words, seen) {
  const { camera } = state;
  const now = siteNow(state, performance.now());
  document.title = `${camera.name} · Dolbom`;
  set(el.name, camera.name);
  set(el["room-label"], words.room);
  set(el.room, camera.room || "–");
  set(el["state-label"], words.state);
  set(el.state, stateWord(words, camera));
  el.state.dataset.state = camera.observed?.state ?? "";
  set(el["time-label"], words.siteTime);
  set(el.time, clockTime(words, now));
  const fresh = seen.front === "video" && state.still !== null && now - state.still <= 10_000 * state.clock.speed;
  el.now.hidden = !fresh;
  if (fresh) set(el["now-text"], `${words.now} · ${words.age(Math.max(0, Math.floor((now - state.still) / 1000)))}`);
  el["now-still"].alt = words.nowPicture;
  const running = camera.desired === "running";
  set(el.wish, running ? words.stop : words.start);
  el.wish.classList.toggle("start", !running);
  el.wish.disabled = wishing !== null;
  set(el["confirm-title"], words.stopTitle);
  set(el["confirm-body"], words.stopBody);
  set(el.cancel, words.cancel);
  set(el.yes, words.stop);
}

function stateWord(words, { desired, observed }) {
  if (!observed) return desired === "running" ? words.states.starting : words.states.stopped;
  if (desired === "stopped") return observed.state === "stopped" ? words.states.stopped : words.states.stopping;
  const word = observed.state === "stopped" ? words.states.starting : words.states[observed.state];
  return `${word} · ${words.since(clockTime(words, Date.parse(observed.since)))}`;
}

// In the camera's time zone: "14:03:10" is what the clock in the room said. Another day is named.
function clockTime(words, site) {
  const timeZone = state.camera.time_zone;
  const date = (ms) => new Intl.DateTimeFormat(words.locale, { timeZone, month: "short", day: "numeric" }).format(ms);
  const time = new Intl.DateTimeFormat(words.locale, { timeZone, timeStyle: "medium", hourCycle: "h23" }).format(site);
  const today = date(siteNow(state, performance.now()));
  return date(site) === today ? time : `${date(site)} ${time}`;
}

function set(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function label(button, text, icon) {
  button.title = text;
  button.setAttribute("aria-label", text);
  button.dataset.icon = icon;
}

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
  draw();
  setInterval(() => {
    dispatch({ type: "tick" });
    draw();
  }, 250);
  for (;;) {
    if (!document.hidden) await poll();
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

main();
