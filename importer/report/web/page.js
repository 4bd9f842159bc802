"use strict";
(function () {
  // Figures as the reader's own language writes them; every digit is kept, and the exact text stays in `value`.
  function grouped(text, format) {
    const parts = /^(-?)(\d+)(?:\.(\d+))?$/.exec(text);
    if (!parts) { return null; }
    const decimal = format.formatToParts(1.5).find((part) => part.type === "decimal").value;
    return parts[1] + format.format(BigInt(parts[2])) + (parts[3] ? decimal + parts[3] : "");
  }

  function localise() {
    const format = new Intl.NumberFormat(navigator.languages, { numberingSystem: "latn" });
    for (const figure of document.querySelectorAll("data[value], text[data-value]")) {
      const written = grouped(figure.value || figure.dataset.value, format);
      if (written) { figure.textContent = written; }
    }
    for (const said of document.querySelectorAll("svg desc")) {
      const texts = Array.from(said.parentNode.querySelectorAll("text"), (text) => text.textContent);
      said.textContent = texts.map((text, number) => text + (number % 2 ? "; " : ": ")).join("");
    }
    const example = document.getElementById("example");
    if (example) { example.textContent = grouped("1234567.89", format); }
  }

  const form = document.getElementById("filter");
  const table = document.getElementById("list");
  if (!form || !table) { localise(); return; }
  const names = ["severity", "code", "column"];
  const rows = Array.from(table.tBodies[0].rows, (row) => ({
    row,
    text: row.textContent.toLowerCase(),
    severity: row.cells[1].textContent,
    code: row.cells[2].textContent,
    column: row.cells[3].firstElementChild ? row.cells[3].firstElementChild.textContent : "",
  }));

  function offer(name) {
    const counts = new Map();
    for (const line of rows) {
      if (line[name]) { counts.set(line[name], (counts.get(line[name]) || 0) + 1); }
    }
    for (const [value, count] of Array.from(counts).sort((one, other) => other[1] - one[1])) {
      form.elements[name].append(new Option(value + " (" + count + ")", value));
    }
  }

  function show() {
    const words = form.elements.q.value.toLowerCase().split(/\s+/).filter(Boolean);
    const chosen = names.filter((name) => form.elements[name].value);
    let shown = 0;
    for (const line of rows) {
      const fits = chosen.every((name) => line[name] === form.elements[name].value) &&
        words.every((word) => line.text.includes(word));
      line.row.hidden = !fits;
      shown += fits;
    }
    const filtered = words.length || chosen.length;
    const format = new Intl.NumberFormat(navigator.languages, { numberingSystem: "latn" });
    document.getElementById("shown").textContent = filtered
      ? format.format(shown) + " of " + format.format(rows.length) + " in this list" + (shown ? "" : ": nothing fits")
      : "";
  }

  // What is chosen stands in the address, so that it can be kept and linked to: #q=state&severity=error
  function keep() {
    const said = new URLSearchParams();
    for (const name of ["q", ...names]) {
      if (form.elements[name].value) { said.set(name, form.elements[name].value); }
    }
    history.replaceState(null, "", "#" + said);
  }

  function take() {
    const said = new URLSearchParams(location.hash.slice(1));
    if (!["q", ...names].some((name) => said.has(name))) { return; }
    for (const name of ["q", ...names]) { form.elements[name].value = said.get(name) || ""; }
    show();
    document.getElementById("issues").scrollIntoView();
  }

  let waiting = 0;
  form.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => { show(); keep(); }, 120);
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(() => { show(); keep(); }));
  window.addEventListener("hashchange", take);
  names.forEach(offer);
  form.hidden = false;
  take();
  localise();
})();
