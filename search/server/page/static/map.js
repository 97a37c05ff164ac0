// The map: hover or tap a point, drag a rectangle; the list below says what lies in it.
const $ = (id) => document.getElementById(id);
const canvas = $("plane");
const pen = canvas.getContext("2d");
const MOST_LISTED = 120;
const REACH = 14;
let points = [];
let brush = null;
let begun = null;
let shown = null;

const colour = (name) => getComputedStyle(canvas).getPropertyValue(name).trim();

// light-dark() is resolved where it is used as a colour, not in the property.
function resolve(name) {
  canvas.style.setProperty("color", `var(${name})`);
  const found = getComputedStyle(canvas).color;
  canvas.style.removeProperty("color");
  return found || colour(name);
}

function toScreen(point) {
  const pad = 18;
  return [
    pad + ((point.x + 1) / 2) * (canvas.clientWidth - 2 * pad),
    pad + ((1 - point.y) / 2) * (canvas.clientHeight - 2 * pad),
  ];
}

function draw() {
  const scale = devicePixelRatio || 1;
  canvas.width = canvas.clientWidth * scale;
  canvas.height = canvas.clientHeight * scale;
  pen.setTransform(scale, 0, 0, scale, 0, 0);
  const inks = { image: resolve("--accent"), text: resolve("--text-dot") };
  for (const point of points) {
    const [x, y] = toScreen(point);
    pen.globalAlpha = point === shown ? 1 : 0.55;
    pen.fillStyle = inks[point.modality];
    const size = point === shown ? 7 : canvas.clientWidth < 600 ? 2 : 3;
    if (point.modality === "image") { pen.beginPath(); pen.arc(x, y, size, 0, 7); pen.fill(); }
    else pen.fillRect(x - size, y - size, 2 * size, 2 * size);
  }
  pen.globalAlpha = 1;
  if (brush) {
    pen.fillStyle = inks.image;
    pen.globalAlpha = 0.08;
    pen.fillRect(brush.left, brush.top, brush.right - brush.left, brush.bottom - brush.top);
    pen.globalAlpha = 1;
    pen.strokeStyle = resolve("--ink");
    pen.setLineDash([5, 4]);
    pen.strokeRect(brush.left, brush.top, brush.right - brush.left, brush.bottom - brush.top);
    pen.setLineDash([]);
  }
}

function nearest(x, y, count) {
  const far = (point) => { const [a, b] = toScreen(point); return Math.hypot(a - x, b - y); };
  return points.map((point) => [far(point), point]).sort((a, b) => a[0] - b[0]).slice(0, count);
}

function list(chosen, name) {
  $("list-name").textContent = name;
  $("live").textContent = name;
  $("points").replaceChildren(...chosen.slice(0, MOST_LISTED).map((point) => {
    const row = $("point").content.cloneNode(true);
    row.querySelector("a").href = `/item/${encodeURIComponent(point.point_id)}`;
    row.querySelector("span").textContent = point.title;
    const isImage = point.modality === "image";
    if (isImage) row.querySelector("img").src = `/v1/items/${encodeURIComponent(point.point_id)}/thumbnail?side=96`;
    row.querySelector(isImage ? "i" : "img").remove();
    return row;
  }));
}

function listBrush() {
  const inside = points.filter((point) => {
    const [x, y] = toScreen(point);
    return x >= brush.left && x <= brush.right && y >= brush.top && y <= brush.bottom;
  });
  const more = inside.length > MOST_LISTED ? `, the first ${MOST_LISTED}` : "";
  list(inside, `${inside.length} ${inside.length === 1 ? "point" : "points"} in the rectangle${more}`);
}

function show(point) {
  if (point === shown) return;
  shown = point;
  const tip = $("tip");
  tip.hidden = !point;
  if (point) {
    $("tip-title").textContent = point.title;
    const picture = $("tip-picture");
    picture.hidden = point.modality !== "image";
    if (!picture.hidden) picture.src = `/v1/items/${encodeURIComponent(point.point_id)}/thumbnail?side=192`;
    const [x, y] = toScreen(point);
    const left = Math.min(Math.max(x + 12, 0), canvas.clientWidth - tip.offsetWidth);
    const above = y > canvas.clientHeight / 2;
    tip.style.setProperty("left", `${left}px`);
    tip.style.setProperty("top", `${above ? y - 12 - tip.offsetHeight : y + 12}px`);
  }
  requestAnimationFrame(draw);
}

const place = (event) => {
  const box = canvas.getBoundingClientRect();
  return [event.clientX - box.left, event.clientY - box.top];
};

canvas.addEventListener("pointermove", (event) => {
  const [x, y] = place(event);
  if (begun) {
    brush = { left: Math.min(x, begun[0]), right: Math.max(x, begun[0]), top: Math.min(y, begun[1]), bottom: Math.max(y, begun[1]) };
    requestAnimationFrame(draw);
    return;
  }
  const [found] = nearest(x, y, 1);
  show(found && found[0] < REACH ? found[1] : null);
});
canvas.addEventListener("pointerdown", (event) => {
  if (event.pointerType !== "touch" && event.button === 0) { begun = place(event); canvas.setPointerCapture(event.pointerId); show(null); }
});
canvas.addEventListener("pointerup", (event) => {
  const [x, y] = place(event);
  const dragged = begun && Math.hypot(x - begun[0], y - begun[1]) > 6;
  begun = null;
  if (dragged) { listBrush(); return; }
  brush = null;
  const found = nearest(x, y, 12);
  show(found.length && found[0][0] < 2 * REACH ? found[0][1] : null);
  list(found.map(([, point]) => point), `The ${found.length} points nearest to there`);
  draw();
});
canvas.addEventListener("pointercancel", () => { begun = null; });
canvas.addEventListener("pointerleave", (event) => { if (event.pointerType === "mouse") show(null); });
canvas.addEventListener("keydown", (event) => {
  const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1], "+": [0, 0], "=": [0, 0], "-": [0, 0], Enter: [0, 0] };
  if (!(event.key in steps) || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  const wide = canvas.clientWidth, high = canvas.clientHeight;
  brush ??= { left: wide * 0.4, right: wide * 0.6, top: high * 0.4, bottom: high * 0.6 };
  const [dx, dy] = steps[event.key];
  const grown = event.key === "-" ? -wide / 40 : "+=".includes(event.key) ? wide / 40 : 0;
  const move = (low, high, by, most) => [Math.max(0, low + by - grown), Math.min(most, Math.max(high + by + grown, low + by - grown + 10))];
  [brush.left, brush.right] = move(brush.left, brush.right, (dx * wide) / 20, wide);
  [brush.top, brush.bottom] = move(brush.top, brush.bottom, (dy * high) / 20, high);
  draw();
  listBrush();
});

let drawn = innerWidth; // a phone's bars come and go: only another width moves the points
addEventListener("resize", () => { if (innerWidth !== drawn) brush = null; drawn = innerWidth; draw(); });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
new MutationObserver(draw).observe(document.documentElement, { attributeFilter: ["data-theme"] });

try {
  const got = await fetch("/v1/map");
  if (!got.ok) throw new TypeError("no map");
  points = (await got.json()).points;
  draw();
  canvas.dataset.ready = "1";
} catch {
  $("live").textContent = $("how").textContent = "The server does not answer: the map cannot be drawn just now. Load the page again.";
}
