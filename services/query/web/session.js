// Who watches: signing in where the site has users, and out again.

const ADDRESS = "/api/v1/session";

// null when the site has users and this browser is not signed in; raises when nobody answers.
export async function whoWatches() {
  const answer = await fetch(ADDRESS, { cache: "no-store", signal: AbortSignal.timeout(5000) });
  if (answer.status === 401) return null;
  if (!answer.ok) throw new Error(String(answer.status));
  return answer.json();
}

// What came of it: "ok", "wrong", "often" or "away".
export async function signIn(user, password) {
  const body = JSON.stringify({ user, password });
  const headers = { "Content-Type": "application/json" };
  const answer = await fetch(ADDRESS, { method: "POST", headers, body }).catch(() => null);
  if (answer?.ok) return "ok";
  if (answer?.status === 401 || answer?.status === 422) return "wrong";
  return answer?.status === 429 ? "often" : "away";
}

export async function signOut() {
  await fetch(ADDRESS, { method: "DELETE" }).catch(() => null);
}
