"use strict";

/** What the next edition of each channel would change, before it is made; and making it. */
{
  const { el, button, fill, find } = sheet.elements;
  const { say, day } = sheet.language;
  let channels = null;
  let problem = "";

  const load = async () => {
    try {
      ({ channels } = await sheet.api.get("/api/publish/preview"));
      problem = "";
    } catch (error) {
      problem = error.message;
    }
    paint();
  };

  const ask = (names) =>
    sheet.dialogs.ask({
      title: say("publish.sure", { count: names.length }),
      body: [
        el("p", { text: names.join(", ") }),
        el("p", { class: "hint", text: say("publish.free") }),
      ],
      choices: [{ text: say("publish.go"), value: () => true }],
    });

  /** What became of each channel: some have a new edition, others had nothing to say or may not. */
  const describe = (made) => {
    const count = made.filter((it) => it.is_new).length;
    const problems = made.filter((it) => it.problem).map((it) => it.problem);
    const isAsBefore = !count && !problems.length;
    const done = count ? say("publish.done", { count }) : isAsBefore && say("publish.nothing");
    return [done, ...problems].filter(Boolean).join(" ");
  };

  const publish = async (names) => {
    if (!(await ask(names))) return;
    try {
      const done = await sheet.api.post("/api/publish", { channels: names });
      sheet.dialogs.tell(describe(done.channels));
    } catch (error) {
      sheet.dialogs.tell(error.message);
    }
    load();
  };

  const buildNumber = (count, key, isLoud) =>
    el(
      "div",
      { class: isLoud && count ? "number loud" : "number" },
      el("dt", { text: say(key) }),
      el("dd", { text: sheet.language.number(count) }),
    );

  const buildWaiting = (it) => {
    if (!it.waiting_count) return null;
    const key = it.until ? "publish.until" : "publish.wait";
    return el("p", {
      class: "hint",
      text: say(key, { count: it.waiting_count, day: day(it.until) }),
    });
  };

  const buildChannel = (it) => {
    const id = `channel-${it.channel}`;
    const more = it.changes_count - it.changed.length;
    const go = button({
      text: say("publish.one"),
      label: `${say("publish.one")}: ${it.channel}`,
      class: "strong",
      disabled: Boolean(it.problem),
      press: () => publish([it.channel]),
    });
    return el(
      "article",
      { class: "channel", "aria-labelledby": id },
      el(
        "header",
        {},
        el("h3", { id, text: it.channel }),
        el("span", {
          class: "source",
          text: it.last ? say("edition", { of: String(it.last) }) : say("edition.none"),
        }),
        sheet.roles.mayDecide() && it.is_new && go,
      ),
      it.problem && el("p", { class: "problem", role: "alert", text: it.problem }),
      el(
        "dl",
        { class: "numbers" },
        buildNumber(it.shown, "publish.shown"),
        buildNumber(it.changed_count, "publish.changed", true),
        buildNumber(it.added_count, "publish.added", true),
        buildNumber(it.withdrawn_count, "publish.withdrawn", true),
        buildNumber(it.gone_count, "publish.gone", true),
        buildNumber(it.waiting_count, "publish.waiting"),
      ),
      buildWaiting(it),
      !it.is_new && el("p", { class: "calm", text: say("publish.nothing") }),
      it.is_new &&
        !it.changes_count &&
        el("p", { class: "hint", text: say("publish.words") }),
      it.changed.length > 0 && sheet.editions.buildChanges(it.changed),
      more > 0 && el("p", { class: "hint", text: say("publish.more", { count: more }) }),
      it.editions.length > 0 && sheet.editions.build(it),
    );
  };

  const paint = () => {
    const place = find("publish");
    if (place.hidden) return;
    const names = (channels ?? [])
      .filter((it) => it.is_new && !it.problem)
      .map((it) => it.channel);
    const all = button({
      text: say("publish.all", { count: names.length }),
      class: "strong",
      press: () => publish(names),
    });
    fill(
      place,
      el(
        "header",
        { class: "lead" },
        el(
          "div",
          {},
          el("h2", { text: say("publish.title") }),
          el("p", { class: "hint", text: say("publish.lead") }),
        ),
        sheet.roles.mayDecide() && names.length > 1 && all,
      ),
      problem && el("p", { class: "problem", role: "alert", text: problem }),
      !channels && !problem && el("p", { class: "hint", text: say("loading") }),
      ...(channels ?? []).map(buildChannel),
    );
  };

  /** Show the view, with what holds now. */
  const show = (isShown) => {
    find("publish").hidden = !isShown;
    if (!isShown) return;
    paint();
    load();
  };

  sheet.listen("published", load);
  sheet.publish = { show, paint };
}
