// Sorting by a column's head: numbers highest first, then lowest first; text by name.
document.querySelectorAll("table.sortable").forEach(table => {
  const heads = [...table.tHead.rows[0].cells];
  const sort = head => {
    const column = heads.indexOf(head), body = table.tBodies[0];
    const value = row => (row.cells[column] || {dataset: {}}).dataset.sort || "";
    const text = column === 0;
    const first = text ? "ascending" : "descending";
    const direction = head.ariaSort === first ? (text ? "descending" : "ascending") : first;
    heads.forEach(other => other.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", direction);
    const sign = direction === "ascending" ? 1 : -1;
    [...body.rows].sort((a, b) => {
      const x = value(a), y = value(b);
      if (x === "" || y === "") return (x === "") - (y === "");  // what has no score stays last
      return sign * (text ? x.localeCompare(y) : x - y);
    }).forEach(row => body.append(row));
  };
  heads.forEach(head => {
    head.classList.add("sorts");
    head.tabIndex = 0;
    head.addEventListener("click", () => sort(head));
    head.addEventListener("keydown", event => {
      if (event.key === "Enter" || event.key === " ") { event.preventDefault(); sort(head); }
    });
  });
});
