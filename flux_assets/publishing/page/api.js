"use strict";

/** The server's answers, and who may ask it for what. */
{
  /** An answer that is none: `status` 0 where the server was not reached at all. */
  class ApiError extends Error {
    constructor(message, status) {
      super(message);
      this.status = status;
    }
  }

  const away = () => new ApiError(sheet.language.say("server.away"), 0);
  const signedOut = () => new ApiError(sheet.language.say("server.signed_out"), 401);

  const ask = async (path, options) => {
    let reply;
    try {
      reply = await fetch(path, { ...options, credentials: "same-origin", redirect: "manual" });
    } catch {
      throw away();
    }
    // A proxy before the server answers whoever is signed out with a page, or sends them elsewhere.
    const isOurs = reply.headers.get("content-type")?.startsWith("application/json");
    const isPage = !isOurs && (reply.ok || reply.status === 401);
    if (reply.type === "opaqueredirect" || isPage) throw signedOut();
    const broken = () => Promise.reject(away());
    const answer = isOurs ? await reply.json().catch(broken) : {};
    const problem = answer.error ?? sheet.language.say("server.refused", { status: reply.status });
    if (!reply.ok) throw new ApiError(problem, reply.status);
    return answer;
  };

  /** Read something. */
  const get = (path) => ask(path, {});

  const send = (path, body) =>
    ask(path, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-Flux-Assets-Token": sheet.page.token },
      body: JSON.stringify(body),
    });

  /** Whether a server that was started anew meanwhile has another token, which is then used. */
  const takeNewToken = async () => {
    const reply = await fetch(location.pathname, { credentials: "same-origin" });
    const page = new DOMParser().parseFromString(await reply.text(), "text/html");
    const { token } = page.documentElement.dataset;
    const isNew = Boolean(token) && token !== sheet.page.token;
    if (isNew) sheet.page.token = token;
    return isNew;
  };

  /** Have something changed; the token shows that this page asks, and no other. */
  const post = async (path, body) => {
    try {
      return await send(path, body);
    } catch (error) {
      if (error.status === 403 && (await takeNewToken())) return send(path, body);
      throw error;
    }
  };

  const mayDecide = () => sheet.page.live && sheet.data.head.user?.role === "reviewer";

  sheet.api = { get, post };
  sheet.roles = {
    mayDecide,
    mayOrder: () => mayDecide() && sheet.data.head.rerolls,
    maySeeEditions: () => sheet.page.live && sheet.data.channels().length > 0,
  };
}
