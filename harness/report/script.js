"use strict";
(() => {
  const claims = [...document.querySelectorAll("#claims tbody.claim")];
  const details = (claim) => claim.querySelector("details");

  // On paper, what is contradicted stands open and the words are explained; the rest prints as the reader left it.
  const wanted = [document.querySelector(".key"), ...claims.filter((c) => c.dataset.verdict === "contradicted").map(details)];
  let closed = [];
  window.addEventListener("beforeprint", () => {
    closed = wanted.filter((d) => d && !d.open);
    closed.forEach((d) => (d.open = true));
  });
  window.addEventListener("afterprint", () => closed.forEach((d) => (d.open = false)));

  // A link to something in a closed row, or in one that is filtered away, shows it.
  const reveal = (id) => {
    const target = id && document.getElementById(id);
    if (!target) return;
    if (target.matches("tbody.claim")) {
      if (target.hidden) {
        form.reset();
        apply();
      }
      details(target).open = true;
    }
    target.scrollIntoView();
  };

  const form = document.getElementById("filters");
  if (!form) return;
  const table = document.getElementById("claims");
  const status = document.getElementById("shown");
  const selects = [...form.querySelectorAll("select:not([name=order])")];
  const texts = new Map(claims.map((claim) => [claim, claim.textContent.toLowerCase()]));
  const labels = new Map(selects.flatMap((s) => [...s.options].map((o) => [o, o.textContent])));
  const verdicts = [...form.elements.verdict.options].map((o) => o.value);

  const matches = (claim, want, except) =>
    selects.every((s) => s.name === except || !want.get(s.name) || claim.dataset[s.name] === want.get(s.name));

  const keys = {
    verdict: (claim) => verdicts.indexOf(claim.dataset.verdict),
    quantity: (claim) => claim.querySelector(".quantity").textContent.toLowerCase(),
    route: (claim) => claim.dataset.route,
    distance: (claim) => (claim.dataset.verdict === "contradicted" ? -(Number(claim.dataset.distance) || 0) - 1 : 0),
  };
  // Array.sort is stable: rows with one key stay in the order of the papers.
  const sort = (by) => {
    const key = keys[by];
    const rows = key ? claims.map((c) => [key(c), c]) : claims.map((c) => [0, c]);
    rows.sort((a, b) => (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0));
    table.append(...rows.map((row) => row[1]));
  };

  let order = "";
  const apply = () => {
    const want = new FormData(form);
    const words = want.get("text").toLowerCase().split(/\s+/).filter(Boolean);
    const spoken = claims.filter((claim) => words.every((word) => texts.get(claim).includes(word)));
    const kept = new Set(spoken.filter((claim) => matches(claim, want, "")));
    for (const claim of claims) claim.hidden = !kept.has(claim);
    // Each choice says how many rows it would show, given all the others.
    for (const select of selects) {
      const within = spoken.filter((claim) => matches(claim, want, select.name));
      const counts = new Map();
      for (const claim of within) counts.set(claim.dataset[select.name], 1 + (counts.get(claim.dataset[select.name]) || 0));
      for (const option of select.options)
        option.textContent = `${labels.get(option)} (${option.value ? counts.get(option.value) || 0 : within.length})`;
    }
    if (want.get("order") !== order) sort((order = want.get("order")));
    status.textContent = `${kept.size} of ${claims.length} claims shown`;
  };

  const hash = () => {
    const set = [...new FormData(form)].filter(([, value]) => value);
    return set.length ? `#claims?${new URLSearchParams(set)}` : "";
  };
  const read = () => {
    const text = location.hash.startsWith("#claims?") ? location.hash.slice("#claims?".length) : null;
    if (text === null) return reveal(location.hash.slice(1));
    form.reset();
    for (const [name, value] of new URLSearchParams(text)) if (form.elements[name]) form.elements[name].value = value;
    for (const select of form.querySelectorAll("select")) if (select.selectedIndex < 0) select.value = "";
    apply();
    document.getElementById("claims-title").scrollIntoView();
  };
  const changed = () => {
    apply();
    history.replaceState(null, "", hash() || location.pathname + location.search);
  };

  form.hidden = false;
  form.addEventListener("input", changed);
  form.addEventListener("reset", () => setTimeout(changed));
  form.addEventListener("submit", (event) => event.preventDefault());
  for (const link of document.querySelectorAll("a[data-filter]")) link.href = `#claims?${link.dataset.filter}`;
  const open = (value) => claims.forEach((claim) => claim.hidden || (details(claim).open = value));
  document.getElementById("expand").addEventListener("click", () => open(true));
  document.getElementById("collapse").addEventListener("click", () => open(false));
  window.addEventListener("hashchange", read);
  apply();
  read();
})();
