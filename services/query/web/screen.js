// Draws what player.js decided. Texts reach the page as text alone, never as markup.

import { look, siteNow, STILL_LIVE_MS } from "./player.js";
import { TEXTS } from "./texts.js";

export const el = Object.fromEntries([...document.querySelectorAll("[id]")].map((found) => [found.id, found]));

export function draw({ state, cameras, chosen, language, wishing, session, signedOut, refused }) {
  const words = TEXTS[language];
  const at = performance.now();
  const seen = look(state, at);
  document.documentElement.lang = language;
  drawFrame(words, state.reachable, language);
  drawSession(words, session, signedOut, refused);
  drawTabs(cameras ?? [], chosen);
  drawNote(words, state, seen, cameras !== null && cameras.length === 0, at);
  drawScreen(words, state, seen);
  el.about.hidden = !state.camera;
  if (state.camera) drawAbout(words, state, seen, wishing !== null, at);
}

function drawSession(words, session, signedOut, refused) {
  el.main.hidden = signedOut;
  if (el["sign-in"].hidden === signedOut) {
    el["sign-in"].hidden = !signedOut;
    if (signedOut) el.user.focus();
  }
  set(el["sign-in-title"], words.signInTitle);
  set(el["user-label"], words.user);
  set(el["password-label"], words.password);
  set(el.enter, words.signIn);
  set(el.refused, words.refusals[refused] ?? "");
  set(el["sign-out"], words.signOut);
  el["sign-out"].hidden = !session || session.open;
  el.wish.hidden = session?.role === "guardian"; // who may look only is not asked
}

function drawNote(words, state, seen, empty, at) {
  const name = empty && state.reachable ? "empty" : (seen.note ?? "");
  const note = words.notes[name] ?? "";
  set(el.note, typeof note === "function" ? note(clockTime(words, state, seen.since, at)) : note);
  el.player.dataset.note = name;
}

function drawFrame(words, reachable, language) {
  set(el.tagline, words.tagline);
  set(el.language, words.other);
  el.language.lang = language === "ko" ? "en" : "ko";
  set(el.link, reachable ? words.connected : words.disconnected);
  el.link.dataset.ok = reachable;
  el.cameras.setAttribute("aria-label", words.cameras);
}

function drawTabs(items, chosen) {
  el.cameras.hidden = items.length < 2;
  const key = JSON.stringify(items.map((item) => [item.camera_id, item.name]));
  if (el.cameras.dataset.key !== key) {
    el.cameras.dataset.key = key;
    el.cameras.replaceChildren(
      ...items.map((item) => Object.assign(document.createElement("a"), { href: `#${item.camera_id}`, textContent: item.name })),
    );
  }
  for (const [index, tab] of [...el.cameras.children].entries()) {
    const current = String(items[index].camera_id === chosen);
    if (tab.getAttribute("aria-current") === current) continue;
    tab.setAttribute("aria-current", current);
    if (current === "true") tab.scrollIntoView({ block: "nearest", inline: "nearest" });
  }
}

function drawScreen(words, state, seen) {
  const { profile } = state.camera ?? {};
  if (profile) el.screen.style.aspectRatio = `${profile.width} / ${profile.height}`;
  el.screen.dataset.dim = seen.dim;
  el.still.hidden = seen.front !== "still";
  el.still.alt = seen.dim ? words.lastPicture : words.nowPicture;
  el.video.dataset.shown = seen.front === "video";
  el.video.setAttribute("aria-label", words.video);
  el.badge.hidden = !seen.badge;
  el.badge.dataset.kind = seen.badge ?? "";
  if (seen.badge) set(el.badge, words[seen.badge](words.age(Math.floor(seen.age / 1000))));
  el.bar.hidden = !state.stream.on;
  el.live.hidden = !seen.canGoLive;
  set(el.live, words.goLive);
  el.live.title = words.goLiveKey;
  label(el.pause, el.video.paused ? words.play : words.pause, el.video.paused ? "play" : "pause");
  label(el.full, words.fullscreen, "full");
  el.full.hidden = !document.fullscreenEnabled;
}

function drawAbout(words, state, seen, wishing, at) {
  const { camera } = state;
  const now = siteNow(state, at);
  document.title = `${camera.name} · Dolbom`;
  set(el.name, camera.name);
  set(el["room-label"], words.room);
  set(el.room, camera.room || "–");
  set(el["state-label"], words.state);
  set(el.state, stateWord(words, state, at));
  el.state.dataset.state = camera.observed?.state ?? "";
  set(el["time-label"], words.siteTime);
  set(el.time, clockTime(words, state, now, at));
  const fresh = seen.front === "video" && state.still !== null && now - state.still <= STILL_LIVE_MS * state.clock.speed;
  el.now.hidden = !fresh;
  if (fresh) set(el["now-text"], `${words.now} · ${words.age(Math.max(0, Math.floor((now - state.still) / 1000)))}`);
  el["now-still"].alt = words.nowPicture;
  const running = camera.desired === "running";
  set(el.wish, running ? words.stop : words.start);
  el.wish.classList.toggle("start", !running);
  el.wish.disabled = wishing;
  set(el["confirm-title"], words.stopTitle);
  set(el["confirm-body"], words.stopBody);
  set(el.cancel, words.cancel);
  set(el.yes, words.stop);
}

function stateWord(words, state, at) {
  const { desired, observed } = state.camera;
  if (!observed) return desired === "running" ? words.states.starting : words.states.stopped;
  if (desired === "stopped") return observed.state === "stopped" ? words.states.stopped : words.states.stopping;
  const word = observed.state === "stopped" ? words.states.starting : words.states[observed.state];
  return `${word} · ${words.since(clockTime(words, state, Date.parse(observed.since), at))}`;
}

// In the camera's time zone: "14:03:10" is what the clock in the room said. Another day is named.
function clockTime(words, state, site, at) {
  const format = (ms, options) =>
    new Intl.DateTimeFormat(words.locale, { timeZone: state.camera.time_zone, ...options }).format(ms);
  const day = { month: "short", day: "numeric" };
  const time = format(site, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
  const date = format(site, day);
  return date === format(siteNow(state, at), day) ? time : `${date} ${time}`;
}

function set(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function label(button, text, icon) {
  button.title = text;
  button.setAttribute("aria-label", text);
  button.dataset.icon = icon;
}
