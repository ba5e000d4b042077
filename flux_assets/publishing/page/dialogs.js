"use strict";

/** Questions to the reader, and short messages that pass. */
{
  const MESSAGE_MS = 7_000;
  const { el, button, fill, find } = sheet.elements;
  const { say } = sheet.language;
  let titles = 0;
  let fading = 0;

  /**
   * Ask something; the dialog holds the focus, and Escape is no.
   * @param {object} of
   * @param {string} of.title
   * @param {Node[]} [of.body]
   * @param {string} [of.leave] what stands on the button that answers nothing
   * @param {{text: string, class?: string, value: () => any, disabled?: boolean}[]} of.choices
   *   buttons; the first has the focus, if nothing in the body is `data-first`; undefined as a
   *   value keeps the dialog open
   * @param {(event: KeyboardEvent, close: (value: any) => void) => void} [of.keys]
   * @param {(close: (value: any) => void) => void} [of.open] gets what closes the dialog
   * @param {string} [of.class]
   * @returns {Promise<any>} the chosen value; null where the reader left
   */
  const ask = (of) =>
    new Promise((resolve) => {
      titles += 1;
      const id = `dialog-${titles}`;
      let answer = null;
      const dialog = el("dialog", { class: `question ${of.class ?? ""}`, "aria-labelledby": id });
      const close = (value) => {
        answer = value;
        dialog.close();
      };
      const buttons = of.choices.map((choice) => buildChoice(choice, close));
      const leave = button({
        text: of.leave ?? say("cancel"),
        class: "quiet",
        press: () => close(null),
      });
      const form = el(
        "form",
        { method: "dialog", on: { submit: (event) => event.preventDefault() } },
        el("h2", { id, text: of.title }),
        el("div", { class: "body" }, ...(of.body ?? [])),
        el("div", { class: "choices" }, leave, ...buttons.toReversed()),
      );
      dialog.append(form);
      dialog.addEventListener("keydown", (event) => {
        event.stopPropagation();
        of.keys?.(event, close);
      });
      dialog.addEventListener("close", () => {
        dialog.remove();
        resolve(answer);
      });
      document.body.append(dialog);
      of.open?.(close);
      dialog.showModal();
      (dialog.querySelector("[data-first]") ?? buttons[0] ?? leave).focus();
    });

  const buildChoice = (choice, close) => {
    return button({
      text: choice.text,
      class: choice.class ?? "strong",
      disabled: choice.disabled,
      press: () => {
        const value = choice.value();
        if (value !== undefined) close(value);
      },
    });
  };

  /**
   * Say something in passing; screen readers read it, and an action may go with it.
   * @param {string} text
   * @param {{text: string, press: () => void}} [action]
   */
  const tell = (text, action) => {
    const place = find("message");
    const act =
      action &&
      button({ text: action.text, class: "quiet", press: () => (hide(), action.press()) });
    fill(place, el("span", { text }), act);
    if (!place.matches(":popover-open")) place.showPopover();
    clearTimeout(fading);
    fading = setTimeout(hide, MESSAGE_MS);
  };

  const hide = () => {
    const place = find("message");
    if (place.contains(document.activeElement) || place.matches(":hover")) {
      fading = setTimeout(hide, MESSAGE_MS);
      return;
    }
    if (place.matches(":popover-open")) place.hidePopover();
  };

  /** A field with its label. */
  const field = (label, input) =>
    el("label", { class: "field" }, el("span", { text: label }), input);

  sheet.dialogs = { ask, tell, field };
}
