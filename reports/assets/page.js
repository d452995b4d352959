// Sorting by a column's head: numbers highest first, then lowest first; text by name.
document.querySelectorAll("table.sortable").forEach(table => {
  const heads = [...table.tHead.rows[0].cells];
  const sort = head => {
    const column = heads.indexOf(head), body = table.tBodies[0], text = "text" in head.dataset;
    const value = row => (row.cells[column] || {dataset: {}}).dataset.sort || "";
    const [first, second] = text ? ["ascending", "descending"] : ["descending", "ascending"];
    const direction = head.getAttribute("aria-sort") === first ? second : first;
    heads.forEach(other => other.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", direction);
    const sign = direction === "ascending" ? 1 : -1;
    [...body.rows].sort((a, b) => {
      const x = value(a), y = value(b);
      if (x === "" || y === "") return (x === "") - (y === "");  // what has no score stays last
      return sign * (text ? x.localeCompare(y, "en") : x - y);
    }).forEach(row => body.append(row));
  };
  heads.forEach(head => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(head.firstChild);
    button.addEventListener("click", () => sort(head));
    head.prepend(button);
  });
});

// The filter hides what belongs to another suite or to an algorithm that is not ticked, below the verdict.
const filter = document.getElementById("filter");
const boxes = [...filter.querySelectorAll("input")];
const apply = () => {
  const suite = filter.elements.suite.value;
  const off = new Set(boxes.filter(box => !box.checked).map(box => box.value));
  const hides = element => Boolean(suite && element.dataset.suite && element.dataset.suite !== suite)
    || (element.dataset.algorithm || "").split(" ").some(name => off.has(name));
  document.querySelectorAll("[data-suite],[data-algorithm]").forEach(element => {
    element.classList.toggle("off", hides(element));
  });
  const rows = [...document.querySelectorAll("#leaderboard tbody tr")];
  const shown = rows.filter(row => !row.classList.contains("off")).length;
  filter.querySelector("output").value = shown === rows.length ? "" : `${shown} of ${rows.length} scores shown`;
};
filter.hidden = false;
filter.addEventListener("change", apply);
filter.addEventListener("submit", event => event.preventDefault());
filter.addEventListener("reset", () => setTimeout(apply));
if (boxes.some(box => !box.checked) || filter.elements.suite.value) apply();  // what the browser kept on reloading

// A link to what the filter hides or what is folded shows it.
const reveal = hash => {
  const target = hash && document.getElementById(decodeURIComponent(hash.slice(1)));
  if (!target) return;
  const hidden = target.closest(".off"), folded = [];
  for (let part = target; part; part = part.parentElement) {
    if (part.tagName === "DETAILS" && !part.open) folded.push(part);
  }
  if (hidden) filter.reset();
  folded.forEach(part => { part.open = true; });
  if (hidden || folded.length) setTimeout(() => target.scrollIntoView());
};
addEventListener("hashchange", () => reveal(location.hash));
document.addEventListener("click", event => {
  const link = event.target.closest('a[href^="#"]');
  if (link) reveal(link.hash);  // the address may name that place already
});
reveal(location.hash);

// What is folded on a screen is printed.
let unfolded = [];
addEventListener("beforeprint", () => {
  unfolded = [...document.querySelectorAll("details.board:not([open]), details.tuned:not([open])")];
  unfolded.forEach(part => { part.open = true; });
});
addEventListener("afterprint", () => unfolded.forEach(part => { part.open = false; }));
