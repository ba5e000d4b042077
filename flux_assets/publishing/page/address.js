"use strict";

/**
 * What the page shows, as its address says: so a view can be sent to somebody, and the browser's
 * back button goes back to the one before.
 */
{
  const PLAIN = {
    ...{ view: "pictures", q: "", since: "", below: "", sort: "product", page: 1 },
    ...{ product: "", shot: "", compare: "" },
  };
  const state = { ...PLAIN, facets: {} };
  let written = null;

  const facetNames = () => Object.keys(sheet.data.head.columns);

  const read = () => {
    const words = new URLSearchParams(location.hash.slice(1));
    for (const [name, plain] of Object.entries(PLAIN)) {
      const word = words.get(name) ?? plain;
      state[name] = typeof plain === "number" ? Math.max(1, Number(word) || plain) : word;
    }
    state.facets = {};
    for (const name of facetNames()) {
      const known = words.getAll(name).filter((it) => sheet.data.head.columns[name].includes(it));
      if (known.length) state.facets[name] = new Set(known);
    }
  };

  const write = () => {
    const words = new URLSearchParams();
    for (const [name, plain] of Object.entries(PLAIN)) {
      if (state[name] !== plain) words.set(name, state[name]);
    }
    for (const [name, values] of Object.entries(state.facets)) {
      for (const value of values) words.append(name, value);
    }
    return `#${words}`;
  };

  /** The part of the address that decides which pictures are there, to see if that changed. */
  const viewed = () => {
    const rest = { ...state, product: "", shot: "", compare: "" };
    return JSON.stringify(rest, (_, value) => (value instanceof Set ? [...value] : value));
  };

  /**
   * Change what is shown.
   * @param {object} changes by name, as in the address
   * @param {{replace?: boolean}} [how] `replace`: the back button skips what was before
   */
  const change = (changes, { replace = false } = {}) => {
    const before = viewed();
    Object.assign(state, changes);
    if (viewed() !== before && !("page" in changes)) state.page = 1;
    const hash = write();
    if (hash === (location.hash || "#")) return tell(before);
    written = hash;
    if (replace) location.replace(hash);
    else location.hash = hash;
    tell(before);
  };

  const tell = (before) => {
    if (viewed() !== before) sheet.tell("view");
    sheet.tell("details");
  };

  window.addEventListener("hashchange", () => {
    if (location.hash === written || !sheet.data.head) return;
    const before = viewed();
    read();
    written = location.hash;
    tell(before);
  });

  /** Choose or leave one value of a facet. */
  const toggle = (name, value) => {
    const values = new Set(state.facets[name]);
    if (!values.delete(value)) values.add(value);
    setFacet(name, values);
  };

  const setFacet = (name, values) => {
    const facets = { ...state.facets };
    if (values.size) facets[name] = values;
    else delete facets[name];
    change({ facets });
  };

  /** Show all pictures again; search and order stay. */
  const clear = () => change({ facets: {}, since: "", below: "", q: "" });

  const isFiltered = () =>
    Boolean(state.q || state.since || state.below || Object.keys(state.facets).length);

  sheet.address = { state, read, change, toggle, setFacet, clear, isFiltered };
}
