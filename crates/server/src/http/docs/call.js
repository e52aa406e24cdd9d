// One request to this server, and the curl line that does the same.

/** Sends it. Answers status, time and body; a network that fails is an answer, too. */
export async function send({ method, path, token, body }) {
  const headers = {};
  if (token) headers.Authorization = `Bearer ${token}`;
  if (body) headers["Content-Type"] = "application/json";
  const begin = performance.now();
  try {
    const response = await fetch(path, {
      method,
      headers,
      body: body && JSON.stringify(body),
      cache: "no-store",
      credentials: "omit",
      redirect: "error",
    });
    const text = await response.text();
    return { ok: response.ok, status: response.status, words: response.statusText, millis: performance.now() - begin, json: parsed(text) };
  } catch (error) {
    return { ok: false, status: 0, words: `no answer: ${error.message}`, millis: performance.now() - begin };
  }
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The same for a shell. Tokens are named and not written: a history of commands is no place for them. */
export function curl({ method, path, token, body, form }) {
  const parts = ["curl -sS"];
  if (method !== "GET" && !(method === "POST" && (body || form))) parts.push(`-X ${method}`);
  parts.push(quoted(location.origin + path));
  if (token) parts.push(`-H "Authorization: Bearer $${token.toUpperCase()}"`);
  if (body) parts.push("-H 'Content-Type: application/json'", `-d ${quoted(JSON.stringify(body))}`);
  if (form) parts.push(`-d ${quoted(new URLSearchParams(form))}`);
  return parts.join(" \\\n  ").replace("curl -sS \\\n  ", "curl -sS ").replace(/^(curl -sS -X \w+) \\\n {2}/, "$1 ");
}

function quoted(text) {
  return `'${String(text).replaceAll("'", "'\\''")}'`;
}
