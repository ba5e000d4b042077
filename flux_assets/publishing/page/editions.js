"use strict";

/** The last editions of a channel: what each changed, and the way back to one. */
{
  const { el, icon, button, fill } = sheet.elements;
  const { say, sayName, moment } = sheet.language;
  const BATCH = /\b\d{4}-\d{2}-\d{2}-[0-9a-f]{8,}\b/;

  const buildPicture = (address, text) =>
    address
      ? el("img", { src: address, alt: text, loading: "lazy", decoding: "async" })
      : el("span", { class: "nothing", text: say("shows.nothing") });

  const describe = ({ product_id: product, slot, why }) =>
    [product, slot && sayName("slot", slot), why && sayName("why", why)]
      .filter(Boolean)
      .join(" · ");

  /** One product's picture before and after. */
  const buildChange = (it) =>
    el(
      "li",
      { class: "change" },
      el(
        "div",
        { class: "turn" },
        buildPicture(it.before, say("change.before", { title: it.title })),
        icon("right"),
        buildPicture(it.after, say("change.after", { title: it.title })),
      ),
      el("strong", { text: it.title || it.product_id }),
      el("span", { class: "source", text: describe(it) }),
    );

  const buildChanges = (changes) =>
    el(
      "ul",
      { class: "changes", tabindex: 0, "aria-label": say("changes") },
      ...changes.map(buildChange),
    );

  const askReason = (channel, number) => {
    const reason = el("input", {
      type: "text",
      required: true,
      maxlength: 500,
      "data-first": true,
    });
    const problem = el("p", { class: "problem", role: "alert" });
    return sheet.dialogs.ask({
      title: say("rollback.title", { channel, of: String(number) }),
      body: [
        el("p", { text: say("rollback.means") }),
        sheet.dialogs.field(say("rollback.reason"), reason),
        problem,
      ],
      choices: [
        {
          text: say("rollback.go", { of: String(number) }),
          class: "danger",
          value: () => {
            problem.textContent = reason.value.trim() ? "" : say("rollback.missing");
            return reason.value.trim() || undefined;
          },
        },
      ],
    });
  };

  /** Go back to an edition: what was shown since is rejected, in all channels. */
  const rollBack = async (channel, number) => {
    const reason = await askReason(channel, number);
    if (!reason) return;
    try {
      const done = await sheet.api.post("/api/rollback", { channel, edition: number, reason });
      const text = say("rollback.done", { count: done.rejected, of: String(number) });
      sheet.dialogs.tell(text, done.batch && { text: say("undo"), press: () => undo(done.batch) });
      sheet.tell("published");
    } catch (error) {
      sheet.dialogs.tell(error.message);
    }
  };

  /** Give back what a rollback rejected. */
  const undo = async (batch) => {
    const sure = await sheet.dialogs.ask({
      title: say("unroll.title"),
      body: [el("p", { text: say("unroll.means") })],
      choices: [{ text: say("unroll.go"), value: () => true }],
    });
    if (!sure) return;
    try {
      const done = await sheet.api.post("/api/undo", { batch });
      const told = [
        say("unroll.done", { count: done.restored }),
        done.conflicts && say("unroll.kept", { count: done.conflicts }),
        done.failed && say("unroll.later", { count: done.failed }),
      ];
      sheet.dialogs.tell(told.filter(Boolean).join(" "));
      sheet.tell("published");
    } catch (error) {
      sheet.dialogs.tell(error.message);
    }
  };

  const showDiff = async (channel, number, place) => {
    if (place.childElementCount) return fill(place);
    try {
      const { changed } = await sheet.api.get(
        `/api/editions/${encodeURIComponent(channel)}/${number}`,
      );
      const nothing = el("p", { class: "hint", text: say("edition.same") });
      return fill(place, changed.length ? buildChanges(changed) : nothing);
    } catch (error) {
      return sheet.dialogs.tell(error.message);
    }
  };

  const buildEdition = (channel, edition, isNewest) => {
    const { number, at, by, why, changes } = edition;
    const place = el("div", { class: "diff" });
    const batch = BATCH.exec(why ?? "")?.[0];
    const name = say("edition", { of: String(number) });
    const look = button({
      text: say("edition.diff"),
      label: `${say("edition.diff")}: ${name}`,
      class: "link",
      press: () => toggle(),
    });
    look.setAttribute("aria-expanded", "false");
    const toggle = async () => {
      await showDiff(channel, number, place);
      look.setAttribute("aria-expanded", String(place.childElementCount > 0));
    };
    const mayChange = sheet.roles.mayDecide();
    return el(
      "li",
      { class: "edition" },
      el(
        "div",
        {},
        el("strong", { text: name }),
        el("span", { class: "source", text: [moment(at), by, why].filter(Boolean).join(" · ") }),
      ),
      el("span", { text: say("edition.changes", { count: changes ?? 0 }) }),
      look,
      mayChange &&
        batch &&
        button({ icon: "undo", text: say("unroll"), class: "quiet", press: () => undo(batch) }),
      mayChange &&
        !isNewest &&
        button({
          icon: "undo",
          text: say("rollback"),
          label: `${say("rollback")}: ${name}`,
          class: "quiet",
          press: () => rollBack(channel, number),
        }),
      place,
    );
  };

  /** The editions of a channel, newest first. */
  const build = ({ channel, editions }) =>
    el(
      "details",
      { class: "editions" },
      el("summary", { text: say("editions", { count: editions.length }) }),
      el(
        "ol",
        { class: "plain" },
        ...editions.map((it, at) => buildEdition(channel, it, at === 0)),
      ),
    );

  sheet.editions = { build, buildChanges };
}
