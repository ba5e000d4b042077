"use strict";

/** All that is known of a picture, beside it. */
{
  const { el, icon, button } = sheet.elements;
  const { say, sayName, day, moment, number } = sheet.language;
  const { data } = sheet;

  const section = (title, ...children) => el("section", {}, el("h3", { text: title }), ...children);

  /** A source as a link where it is one. */
  const buildSource = (source) => {
    const isAddress = /^(https:\/\/)?[\w-]+(\.[\w-]+)+(\/\S*)?$/.test(source);
    if (!isAddress) return el("span", { text: source });
    const href = source.startsWith("https://") ? source : `https://${source}`;
    return el("a", { href, target: "_blank", rel: "noopener noreferrer", text: source });
  };

  const buildVerdict = (it) =>
    el(
      "li",
      { class: `verdict ${it.verdict}` },
      icon(it.verdict === "none" ? "clock" : it.verdict),
      el(
        "div",
        {},
        el("strong", {
          text: `${it.channel}${it.slot ? ` · ${sayName("slot", it.slot)}` : ""}: ${sayName("verdict", it.verdict)}`,
        }),
        it.reason && el("p", { text: it.reason }),
        it.source &&
          el(
            "p",
            { class: "source" },
            buildSource(it.source),
            el("span", {
              text: [it.on && day(it.on), it.certainty && sayName("certainty", it.certainty)]
                .filter(Boolean)
                .map((text) => ` · ${text}`)
                .join(""),
            }),
          ),
      ),
    );

  /** Without a server, what the columns say of each channel. */
  const verdictsOf = (row, more) =>
    more?.verdicts ??
    data
      .channels()
      .map((channel) => ({ channel, verdict: data.word(`verdict:${channel}`, row) }))
      .filter(({ verdict }) => verdict && verdict !== "none");

  const buildVerdicts = (row, more) => {
    const verdicts = verdictsOf(row, more);
    if (!verdicts.length) return null;
    return section(say("verdicts"), el("ul", { class: "plain" }, ...verdicts.map(buildVerdict)));
  };

  const describe = ({ verdict, reasons = [], note }) =>
    [sayName("decision", verdict), ...reasons.map((it) => sayName("reason", it)), note]
      .filter(Boolean)
      .join(" · ");

  const buildPast = (it) =>
    el(
      "li",
      {},
      el("strong", { text: describe(it) }),
      el("p", {
        class: "source",
        text: [it.by, moment(it.at), it.via && sayName("via", it.via)].filter(Boolean).join(" · "),
      }),
    );

  const buildHistory = (row, more) => {
    const now = data.decision(row);
    const past = more?.history ?? (now.by || now.at ? [now] : []);
    if (!past.length) return null;
    const newestFirst = past.toSorted((one, other) => (one.at < other.at ? 1 : -1));
    return section(say("history"), el("ol", { class: "plain" }, ...newestFirst.map(buildPast)));
  };

  const copy = async (text, element) => {
    try {
      await navigator.clipboard.writeText(text);
      sheet.dialogs.tell(say("copied"));
    } catch {
      getSelection().selectAllChildren(element); // a page of `file://` may not copy by itself
    }
  };

  /** A text to take along. */
  const buildCopy = (text) => {
    const code = el("code", { text, tabindex: 0 });
    return el(
      "div",
      { class: "copy" },
      code,
      button({ icon: "copy", label: say("copy"), class: "quiet", press: () => copy(text, code) }),
    );
  };

  const buildPrompt = (row, more) => {
    const prompt = more?.prompt ?? data.row(row).prompt;
    return prompt ? section(say("prompt"), el("p", { class: "prompt", text: prompt })) : null;
  };

  const buildTake = (take, at, chosen, choose) =>
    el(
      "button",
      {
        type: "button",
        class: "take",
        "aria-pressed": String(take === chosen),
        on: { click: () => choose(take) },
      },
      el("img", { src: take.thumb, alt: "", decoding: "async" }),
      el("span", { text: take.current ? say("take.current") : moment(take.at) }),
      take.verdict &&
        take.verdict !== "undecided" &&
        el("span", { class: "source", text: sayName("decision", take.verdict) }),
    );

  const buildTakes = (more, chosen, choose) => {
    if ((more?.takes ?? []).length < 2) return null;
    const takes = more.takes.map((take, at) => buildTake(take, at, chosen, choose));
    return section(say("takes"), el("div", { class: "takes" }, ...takes));
  };

  const write = (value) =>
    typeof value === "number"
      ? number(value)
      : typeof value === "object"
        ? JSON.stringify(value)
        : String(value);

  const buildLineage = (row, more) => {
    const { fingerprint, sha256 } = data.row(row);
    const facts = { ...more?.lineage, fingerprint, sha256 };
    const pairs = Object.entries(facts).filter(([, value]) => value !== null && value !== "");
    return el(
      "details",
      { class: "lineage" },
      el("summary", { text: say("lineage") }),
      el(
        "dl",
        {},
        ...pairs.flatMap(([name, value]) => [
          el("dt", { text: name.replaceAll("_", " ") }),
          el("dd", { text: write(value) }),
        ]),
      ),
    );
  };

  const buildCommands = (more) => {
    if (sheet.roles.mayOrder() || !more?.commands) return null;
    const { reroll, pin } = more.commands;
    return section(
      say("order"),
      ...(reroll
        ? [el("p", { class: "hint", text: say("command.reroll") }), buildCopy(reroll)]
        : []),
      ...(pin ? [el("p", { class: "hint", text: say("command.pin") }), buildCopy(pin)] : []),
    );
  };

  /**
   * The facts of a row.
   * @param {number} row
   * @param {object|null} more what the server knows besides; null where there is none, or not yet
   * @param {object|null} take the earlier picture that is looked at
   * @param {(take: object) => void} choose
   */
  const build = (row, more, take, choose) =>
    [
      buildTakes(more, take, choose),
      buildVerdicts(row, more),
      buildPrompt(row, more),
      buildHistory(row, more),
      buildCommands(more),
      buildLineage(row, more),
    ].filter(Boolean);

  sheet.facts = { build, buildCopy };
}
