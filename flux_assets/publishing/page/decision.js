"use strict";

/** What was decided of the picture that is shown large, and the buttons to decide otherwise. */
{
  const { el, button } = sheet.elements;
  const { say, sayName } = sheet.language;
  const { data, deciding } = sheet;

  const buildWords = (row) => {
    const { verdict, reasons, person } = data.decision(row);
    const saving = sheet.saving.stateOf(row);
    const said = [sayName("decision", verdict), ...reasons.map((it) => sayName("reason", it))];
    return el(
      "p",
      { class: `said ${verdict}` },
      el("strong", { text: said.join(" · ") }),
      person && el("span", { text: ` · ${say("person")}` }),
      saving && el("span", { class: saving, text: ` · ${say(`saving.${saving}`)}` }),
    );
  };

  const buildButtons = ({ row, take, act, actAndGo }) => {
    const { verdict, person } = data.decision(row);
    const mayOrder = sheet.roles.mayOrder();
    const make = (icon, text, key, press, more = {}) =>
      button({ icon, text: say(text), key, class: "quiet", press, ...more });
    const yes = { class: "good", pressed: verdict === "approved" };
    const no = { class: "danger", pressed: verdict === "rejected" };
    return el(
      "div",
      { class: "deciding" },
      make("yes", "approve", "a", () => actAndGo(deciding.approve), yes),
      make("no", "reject", "x", () => actAndGo(deciding.reject), no),
      make("person", "person", "p", () => act(deciding.markPerson), { pressed: Boolean(person) }),
      make("note", "note", "n", () => act(deciding.writeNote)),
      verdict !== "undecided" && make("undo", "undecide", undefined, () => act(deciding.undecide)),
      mayOrder && make("again", "order", "r", () => sheet.ordering.open([row])),
      mayOrder &&
        take?.current === false &&
        make("pin", "pin", undefined, () => sheet.ordering.pin(take)),
    );
  };

  /**
   * The decision of a row's picture.
   * @param {{row: number, take: object|null, act: Function, actAndGo: Function}} of `act` does
   *   something with the rows that are shown, `actAndGo` also goes on to the next
   */
  const build = (of) => {
    const { note } = data.decision(of.row);
    return el(
      "div",
      { class: "decision" },
      buildWords(of.row),
      note && el("p", { class: "note", text: note }),
      sheet.roles.mayDecide() && buildButtons(of),
    );
  };

  sheet.decision = { build };
}
