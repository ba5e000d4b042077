"use strict";

/** The language of the page, and numbers, days and prices as that language writes them. */
{
  const LANGUAGES = Object.keys(sheet.texts);

  const choose = () => {
    const wanted = [sheet.remember("language"), ...navigator.languages];
    const known = wanted.map((name) => (name ?? "").slice(0, 2).toLowerCase());
    return known.find((name) => LANGUAGES.includes(name)) ?? "en";
  };

  /** The reader's own kind of the language, as `de-AT`, where the browser names one. */
  const localeOf = (language) =>
    navigator.languages.find((name) => name.toLowerCase().startsWith(language)) ?? language;

  let language = choose();

  /**
   * A text in the reader's language; `{name}` in it is replaced.
   * @param {string} key
   * @param {Record<string, string|number>} [values] numbers are written as the language does;
   *   `count` chooses between one and several
   */
  const say = (key, values = {}) => {
    const found = sheet.texts[language][key] ?? sheet.texts.en[key] ?? key;
    const rule = new Intl.PluralRules(language).select(Number(values.count ?? 0));
    const text = typeof found === "string" ? found : (found[rule] ?? found.other);
    return text.replace(/\{(\w+)\}/g, (whole, name) => {
      const value = values[name];
      if (value === undefined) return whole;
      return typeof value === "number" ? number(value) : value;
    });
  };

  /** A text for one of a closed set of names, else the name itself, readably. */
  const sayName = (kind, name) => {
    const key = `${kind}.${name}`;
    return key in sheet.texts.en ? say(key) : name.replaceAll("_", " ");
  };

  const number = (value) => new Intl.NumberFormat(localeOf(language)).format(value);

  const format = (options) => (iso) => {
    const moment = new Date(iso);
    if (!iso || Number.isNaN(moment.getTime())) return iso ?? "";
    return new Intl.DateTimeFormat(localeOf(language), options).format(moment);
  };

  const day = (iso) => format({ dateStyle: "medium", timeZone: "UTC" })(iso);
  const moment = (iso) => format({ dateStyle: "medium", timeStyle: "short" })(iso);

  const money = (amount) =>
    new Intl.NumberFormat(localeOf(language), {
      style: "currency",
      currency: sheet.data.head.currency ?? "USD",
    }).format(amount);

  /** Write the texts of index.html: `data-text`, `data-label` and `data-hint` name them. */
  const writeTexts = () => {
    document.documentElement.lang = language;
    for (const element of document.querySelectorAll("[data-text]")) {
      element.textContent = say(element.dataset.text);
    }
    for (const element of document.querySelectorAll("[data-label]")) {
      element.setAttribute("aria-label", say(element.dataset.label));
      if (element.tagName === "BUTTON") element.title = say(element.dataset.label);
    }
    for (const element of document.querySelectorAll("[data-hint]")) {
      element.setAttribute("placeholder", say(element.dataset.hint));
    }
  };

  const speak = (name) => {
    language = name;
    sheet.remember("language", name);
    writeTexts();
    sheet.tell("language");
  };

  sheet.language = {
    ...{ say, sayName, number, day, moment, money, speak, writeTexts },
    names: LANGUAGES,
    current: () => language,
  };
}
