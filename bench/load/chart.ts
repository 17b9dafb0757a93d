/** Lines over logarithmic axes, as SVG. */

export interface Series {
  readonly name: string;
  /** The system whose colour it has; by default the one it is named after. */
  readonly style?: string;
  readonly points: readonly Point[];
}

export interface Point {
  readonly x: number;
  readonly y: number;
  /** Drawn hollow: not everything was delivered. */
  readonly isLossy: boolean;
}

export interface Panel {
  readonly title: string;
  readonly yLabel: string;
  readonly series: readonly Series[];
}

export interface Chart {
  readonly title: string;
  readonly subtitle: string;
  readonly xLabel: string;
  readonly footnote: string;
  readonly panels: readonly Panel[];
}

/** Told apart by people who do not see all colours too (after Okabe and Ito, 2008), and by their dashes. */
const STYLES: Readonly<
  Record<string, { readonly color: string; readonly dash?: string; readonly width?: number }>
> = {
  danmakud: { color: "#d55e00", width: 3.2 },
  "bun-pubsub": { color: "#0072b2" },
  ws: { color: "#009e73" },
  "socket.io": { color: "#9a6a00", dash: "7 3" },
  nchan: { color: "#cc79a7" },
  centrifugo: { color: "#3aa0dc", dash: "2 3" },
  centrifuge: { color: "#3aa0dc", dash: "7 3" },
  baseline: { color: "#777777", dash: "2 3" },
};
const STYLE_DEFAULT = { color: "#000000" };

const WIDTH = 1000;
const PANEL_HEIGHT = 330;
const LEFT = 80;
const RIGHT = 150;
const TOP = 84;
const PANEL_GAP = 72;
const BOTTOM = 84;
const PLOT_WIDTH = WIDTH - LEFT - RIGHT;
const LABEL_HEIGHT = 16;

export function drawChart(chart: Chart): string {
  const height = TOP + chart.panels.length * PANEL_HEIGHT + (chart.panels.length - 1) * PANEL_GAP + BOTTOM;
  const xs = chart.panels.flatMap((panel) =>
    panel.series.flatMap((series) => series.points.map(({ x }) => x)),
  );
  const x = logScale(xs, LEFT, LEFT + PLOT_WIDTH);
  const panels = chart.panels.map((panel, i) =>
    drawPanel(panel, x, TOP + i * (PANEL_HEIGHT + PANEL_GAP), chart),
  );
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="system-ui, sans-serif" font-size="13" fill="#222">`,
    `<rect width="${WIDTH}" height="${height}" fill="#fff"/>`,
    text(LEFT, 30, chart.title, 'font-size="19" font-weight="600"'),
    text(LEFT, 51, chart.subtitle, 'fill="#555"'),
    ...panels,
    text(LEFT, height - 14, chart.footnote, 'fill="#555" font-size="12"'),
    "</svg>",
    "",
  ].join("\n");
}

interface Scale {
  readonly ticks: readonly number[];
  at(value: number): number;
}

/** Whole decades, with 2 and 5 between where there are few. */
function logScale(values: readonly number[], from: number, to: number): Scale {
  const positive = values.filter((value) => value > 0);
  const low = Math.log10(Math.min(...positive, 1e9));
  const high = Math.log10(Math.max(...positive, 1e-9));
  const margin = Math.max(0.04 * (high - low), 0.03);
  const [first, last] = [low - margin, high + margin];
  const steps = last - first < 3 ? [1, 2, 5] : [1];
  const ticks: number[] = [];
  for (let decade = Math.floor(first); decade <= last; decade++) {
    for (const step of steps) {
      const tick = step * 10 ** decade;
      if (Math.log10(tick) >= first && Math.log10(tick) <= last) ticks.push(tick);
    }
  }
  return { ticks, at: (value) => from + ((Math.log10(value) - first) / (last - first)) * (to - from) };
}

function drawPanel(panel: Panel, x: Scale, top: number, chart: Chart): string {
  const bottom = top + PANEL_HEIGHT;
  const ys = panel.series.flatMap((series) => series.points.map((point) => point.y));
  const y = logScale(ys, bottom, top + 8);
  const parts = [
    text(LEFT, top - 10, panel.title, 'font-weight="600"'),
    ...y.ticks.map((tick) => {
      const at = round(y.at(tick));
      return `${line(LEFT, at, LEFT + PLOT_WIDTH, at)}${text(LEFT - 8, at + 4, format(tick), 'text-anchor="end"')}`;
    }),
    ...x.ticks.map((tick) => {
      const at = round(x.at(tick));
      return `${line(at, top, at, bottom)}${text(at, bottom + 18, format(tick), 'text-anchor="middle"')}`;
    }),
    text(LEFT + PLOT_WIDTH / 2, bottom + 38, chart.xLabel, 'text-anchor="middle"'),
    `<text transform="translate(24 ${(top + bottom) / 2}) rotate(-90)" text-anchor="middle">${escapeText(panel.yLabel)}</text>`,
    // Ours last, above the others.
    ...[...panel.series].reverse().map((series) => drawSeries(series, x, y)),
    ...drawLabels(panel.series, x, y, top, bottom),
  ];
  return parts.join("\n");
}

function drawSeries(series: Series, x: Scale, y: Scale): string {
  const style = styleOf(series);
  const at = (point: Point): string => `${round(x.at(point.x))},${round(y.at(point.y))}`;
  const dash = style.dash === undefined ? "" : ` stroke-dasharray="${style.dash}"`;
  const path = `<polyline points="${series.points.map(at).join(" ")}" fill="none" stroke="${style.color}" stroke-width="${style.width ?? 2}"${dash} stroke-linejoin="round"/>`;
  const marks = series.points.map((point) => {
    const fill = point.isLossy ? "#fff" : style.color;
    return `<circle cx="${round(x.at(point.x))}" cy="${round(y.at(point.y))}" r="4" fill="${fill}" stroke="${style.color}" stroke-width="1.6"/>`;
  });
  return [path, ...marks].join("");
}

/** Names beside the ends of their lines, moved apart where they would cover each other. */
function drawLabels(series: readonly Series[], x: Scale, y: Scale, top: number, bottom: number): string[] {
  const labels = series
    .flatMap((one) => {
      const last = one.points.at(-1);
      return last === undefined ? [] : [{ series: one, x: x.at(last.x), end: y.at(last.y), y: y.at(last.y) }];
    })
    .toSorted((a, b) => a.y - b.y);
  let free = top + 4;
  for (const label of labels) {
    label.y = Math.max(label.y, free);
    free = label.y + LABEL_HEIGHT;
  }
  let limit = bottom;
  for (const label of labels.toReversed()) {
    label.y = Math.min(label.y, limit);
    limit = label.y - LABEL_HEIGHT;
  }
  const side = LEFT + PLOT_WIDTH + 14;
  return labels.map((label) => {
    const { series: one } = label;
    const { color } = styleOf(one);
    const lead = `<path d="M${round(label.x + 6)} ${round(label.end)}L${side - 3} ${round(label.y)}" stroke="${color}" stroke-width="0.7" opacity="0.6"/>`;
    const weight = (one.style ?? one.name) === "danmakud" ? ' font-weight="700"' : "";
    return lead + text(side, label.y + 4, one.name, `fill="${color}"${weight}`);
  });
}

function styleOf({ name, style = name }: Series): (typeof STYLES)[string] {
  return STYLES[style] ?? STYLE_DEFAULT;
}

function line(x1: number, y1: number, x2: number, y2: number): string {
  return `<line x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}" stroke="#e3e3e3"/>`;
}

function text(x: number, y: number, content: string, attributes = ""): string {
  return `<text x="${round(x)}" y="${round(y)}" ${attributes}>${escapeText(content)}</text>`;
}

function escapeText(content: string): string {
  return content.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function format(value: number): string {
  return value >= 1000 ? value.toLocaleString("en-US") : String(Number(value.toPrecision(2)));
}
