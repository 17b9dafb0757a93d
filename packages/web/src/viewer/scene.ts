/**
 * The drawn scene behind the comments: a lake at nightfall, a comet over the hills, the lights of a small town. Drawn
 * once per size from a fixed seed; what moves (stars, meteors) is CSS and costs the main thread nothing.
 */

const HORIZON = 0.7;

/** Small seeded generator (mulberry32), so that the scene is the same at every visit. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

interface Frame {
  readonly context: CanvasRenderingContext2D;
  readonly width: number;
  readonly height: number;
  readonly horizon: number;
}

/** Draws the scene at the canvas's present size on the page. */
export function drawScene(canvas: HTMLCanvasElement): void {
  const ratio = Math.min(window.devicePixelRatio || 1, 2);
  const { clientWidth: width, clientHeight: height } = canvas;
  canvas.width = Math.max(1, Math.round(width * ratio));
  canvas.height = Math.max(1, Math.round(height * ratio));
  const context = canvas.getContext("2d");
  if (context === null || width === 0 || height === 0) return;
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  const frame: Frame = { context, width, height, horizon: Math.round(height * HORIZON) };
  sky(frame);
  stars(frame);
  comet(frame);
  hills(frame);
  lake(frame);
  town(frame);
  shore(frame);
  vignette(frame);
}

function vertical(frame: Frame, top: number, bottom: number, stops: readonly (readonly [number, string])[]) {
  const gradient = frame.context.createLinearGradient(0, top, 0, bottom);
  for (const [at, color] of stops) gradient.addColorStop(at, color);
  return gradient;
}

function sky(frame: Frame): void {
  const { context, width, horizon } = frame;
  context.fillStyle = vertical(frame, 0, horizon, [
    [0, "#070c1f"],
    [0.3, "#0d1b40"],
    [0.58, "#1f3768"],
    [0.78, "#47558a"],
    [0.92, "#80698f"],
    [1, "#b07d88"],
  ]);
  context.fillRect(0, 0, width, horizon + 1);
  // The last of the evening: wide and low along the horizon.
  context.save();
  context.translate(width * 0.3, horizon);
  context.scale(1, 0.3);
  const glow = context.createRadialGradient(0, 0, 0, 0, 0, width * 0.62);
  glow.addColorStop(0, "rgba(255, 178, 130, 0.55)");
  glow.addColorStop(0.5, "rgba(226, 130, 130, 0.2)");
  glow.addColorStop(1, "rgba(200, 110, 140, 0)");
  context.fillStyle = glow;
  context.fillRect(-width, -horizon * 4, width * 2, horizon * 4);
  context.restore();
}

function stars(frame: Frame): void {
  const { context, width, horizon } = frame;
  const random = seeded(7);
  const count = Math.round((width * horizon) / 1500);
  for (let star = 0; star < count; star++) {
    const x = random() * width;
    const height = random() ** 1.5;
    // A faint band of denser stars runs across the sky.
    const band = Math.abs(height - 0.2 - (x / width) * 0.25) < 0.14 ? 1.5 : 1;
    const bright = random() ** 5;
    context.globalAlpha = Math.min(0.95, (0.12 + 0.8 * bright) * band * (1 - height * 0.75));
    context.fillStyle = random() < 0.25 ? "#ffdfc4" : "#dbe7ff";
    context.beginPath();
    context.arc(x, height * horizon * 0.9, 0.4 + 0.85 * bright, 0, Math.PI * 2);
    context.fill();
  }
  context.globalAlpha = 1;
}

function comet(frame: Frame): void {
  const { context, width, horizon } = frame;
  const headX = width * 0.36;
  const headY = horizon * 0.6;
  const length = Math.hypot(width, horizon) * 0.52;
  const tail = (angle: number, spread: number, reach: number, color: string, strength: number) => {
    context.save();
    context.translate(headX, headY);
    context.rotate(angle);
    const fade = context.createLinearGradient(0, 0, length * reach, 0);
    fade.addColorStop(0, `rgba(${color}, ${strength})`);
    fade.addColorStop(0.35, `rgba(${color}, ${strength * 0.38})`);
    fade.addColorStop(1, `rgba(${color}, 0)`);
    context.fillStyle = fade;
    context.beginPath();
    context.moveTo(0, -1.2);
    context.quadraticCurveTo(length * reach * 0.5, -spread * 0.35, length * reach, -spread);
    context.lineTo(length * reach, spread);
    context.quadraticCurveTo(length * reach * 0.5, spread * 0.35, 0, 1.2);
    context.fill();
    context.restore();
  };
  context.globalCompositeOperation = "lighter";
  tail(-0.6, length * 0.13, 1, "120, 165, 255", 0.2);
  tail(-0.56, length * 0.06, 0.92, "150, 190, 255", 0.3);
  tail(-0.5, length * 0.035, 0.8, "255, 214, 186", 0.34);
  tail(-0.53, length * 0.01, 0.6, "255, 248, 240", 0.6);
  const glow = context.createRadialGradient(headX, headY, 0, headX, headY, length * 0.075);
  glow.addColorStop(0, "rgba(255, 255, 255, 0.95)");
  glow.addColorStop(0.1, "rgba(235, 242, 255, 0.6)");
  glow.addColorStop(0.4, "rgba(150, 185, 255, 0.14)");
  glow.addColorStop(1, "rgba(150, 185, 255, 0)");
  context.fillStyle = glow;
  context.fillRect(headX - length * 0.1, headY - length * 0.1, length * 0.2, length * 0.2);
  context.globalCompositeOperation = "source-over";
}

/** Height of a ridge (0–1) at a place (0–1): a few sines of falling size. */
function ridge(at: number, phase: number, roughness: number): number {
  return (
    0.5 +
    0.3 * Math.sin(at * 5.1 + phase) +
    0.16 * Math.sin(at * 12.7 + phase * 2.3) +
    roughness * (0.05 * Math.sin(at * 31 + phase * 4.1) + 0.03 * Math.sin(at * 73 + phase))
  );
}

function hills(frame: Frame): void {
  const { context, width, height, horizon } = frame;
  const layers = [
    { phase: 1.2, rise: 0.2, roughness: 1.2, top: "#39406e", foot: "#6f5f83" },
    { phase: 3.9, rise: 0.135, roughness: 1, top: "#252c52", foot: "#454270" },
    { phase: 6.1, rise: 0.075, roughness: 1.6, top: "#141a36", foot: "#232546" },
  ];
  for (const layer of layers) {
    const peak = height * layer.rise;
    context.fillStyle = vertical(frame, horizon - peak, horizon, [
      [0, layer.top],
      [1, layer.foot],
    ]);
    context.beginPath();
    context.moveTo(0, horizon + 1);
    for (let x = 0; x <= width + 3; x += 3) {
      context.lineTo(x, horizon - peak * ridge(x / width, layer.phase, layer.roughness));
    }
    context.lineTo(width, horizon + 1);
    context.fill();
  }
  context.fillStyle = vertical(frame, horizon - height * 0.06, horizon, [
    [0, "rgba(176, 150, 176, 0)"],
    [1, "rgba(176, 150, 176, 0.22)"],
  ]);
  context.fillRect(0, horizon - height * 0.06, width, height * 0.06);
}

function lake(frame: Frame): void {
  const { context, width, height, horizon } = frame;
  context.fillStyle = vertical(frame, horizon, height, [
    [0, "#5a4f73"],
    [0.1, "#343a66"],
    [0.42, "#16213f"],
    [1, "#070c19"],
  ]);
  context.fillRect(0, horizon, width, height - horizon);
  const random = seeded(23);
  const depth = height - horizon;
  for (let line = 0; line < 170; line++) {
    const down = random() ** 1.7;
    const length = (14 + 90 * down) * (0.5 + random());
    // More glints under the evening glow and under the comet than elsewhere.
    const centre = random() < 0.55 ? 0.33 + (random() - 0.5) * (0.12 + 0.35 * down) : random();
    context.fillStyle = random() < 0.5 ? "#ffd9bd" : "#b9cbff";
    context.globalAlpha = 0.05 + 0.11 * random() * (1 - down * 0.7);
    context.fillRect(centre * width - length / 2, horizon + 2 + down * depth, length, 0.7 + down * 0.9);
  }
  context.globalAlpha = 1;
}

function town(frame: Frame): void {
  const { context, width, height, horizon } = frame;
  const random = seeded(91);
  const depth = height - horizon;
  for (let light = 0; light < 96; light++) {
    const cluster = light % 3 === 0 ? 0.16 : light % 3 === 1 ? 0.62 : 0.8;
    const x = width * (cluster + (random() + random() - 1) * 0.13);
    const y = horizon - random() ** 2 * height * 0.03 - 1;
    const warm = random() < 0.8;
    const strength = 0.35 + 0.6 * random();
    const tint = warm ? "255, 205, 140" : "205, 225, 255";
    context.fillStyle = `rgba(${tint}, ${strength})`;
    context.beginPath();
    context.arc(x, y, 0.7 + random() * 0.7, 0, Math.PI * 2);
    context.fill();
    // Its reflection: a broken column of short glints.
    const reach = depth * (0.08 + 0.2 * random());
    context.fillStyle = `rgb(${tint})`;
    for (let down = 1; down < reach; down += 2.4) {
      const left = 1 - down / reach;
      context.globalAlpha = strength * 0.34 * left * left * random();
      const length = 2 + 5 * random() * (1.4 - left);
      context.fillRect(x - length / 2 + (random() - 0.5) * 2, horizon + down, length, 1.1);
    }
    context.globalAlpha = 1;
  }
}

/** The near bank: a dark slope with grass, two friends looking up, a pole with wires. */
function shore(frame: Frame): void {
  const { context, width, height } = frame;
  const ink = "#04070f";
  const unit = Math.min(height, width * 0.62) / 100;
  const bank = (at: number) =>
    height - unit * (3 + 15 * Math.max(0, at - 0.42) ** 1.6 * 3.2 + 0.8 * Math.sin(at * 9));
  context.fillStyle = ink;
  context.beginPath();
  context.moveTo(0, height);
  for (let x = 0; x <= width + 4; x += 4) context.lineTo(x, bank(x / width));
  context.lineTo(width, height);
  context.fill();

  const random = seeded(5);
  context.strokeStyle = ink;
  context.lineWidth = Math.max(0.7, unit * 0.16);
  context.beginPath();
  for (let blade = 0; blade < width / 3; blade++) {
    const x = random() * width;
    const y = bank(x / width) + 1;
    const lean = (random() - 0.35) * unit * 1.6;
    context.moveTo(x, y);
    context.quadraticCurveTo(x, y - unit * 0.8, x + lean, y - unit * (0.7 + 1.5 * random()));
  }
  context.stroke();

  const poleX = width * 0.9;
  const poleY = bank(0.9);
  const poleTop = poleY - unit * 36;
  context.lineWidth = unit * 0.75;
  context.beginPath();
  context.moveTo(poleX, poleY + unit);
  context.lineTo(poleX, poleTop);
  context.stroke();
  context.lineWidth = unit * 0.45;
  context.beginPath();
  for (const [drop, half] of [
    [2, 5],
    [5, 4],
  ] as const) {
    context.moveTo(poleX - unit * half, poleTop + unit * drop);
    context.lineTo(poleX + unit * half, poleTop + unit * drop);
  }
  context.stroke();
  context.lineWidth = Math.max(0.6, unit * 0.13);
  context.beginPath();
  for (const [dx, drop, sag] of [
    [-4.6, 2, 7],
    [4.6, 2, 9],
    [-3.6, 5, 8],
  ] as const) {
    const x = poleX + unit * dx;
    const y = poleTop + unit * drop;
    context.moveTo(x, y);
    context.quadraticCurveTo(x + (width * 1.06 - x) * 0.5, y + unit * sag, width * 1.06, y - unit * 9);
  }
  context.globalAlpha = 0.75;
  context.stroke();
  context.globalAlpha = 1;

  sitter(frame, width * 0.735, bank(0.735) + unit * 0.5, unit * 1.06, 0);
  sitter(frame, width * 0.735 + unit * 4.6, bank(0.735) - unit * 0.1, unit * 0.94, 1.6);
}

/** Someone who sits on the slope, knees drawn up, face to the comet. `hair`: how long it falls, in head sizes. */
function sitter(frame: Frame, x: number, ground: number, unit: number, hair: number): void {
  const { context } = frame;
  context.save();
  context.translate(x, ground);
  context.scale(unit, unit);
  context.fillStyle = "#04070f";
  context.beginPath();
  context.moveTo(1.7, 0.8);
  context.bezierCurveTo(2, -1.6, 1.5, -3.6, 0.5, -4);
  context.bezierCurveTo(-0.5, -4.1, -1, -3.2, -1, -2.2);
  context.bezierCurveTo(-1.9, -2.9, -2.7, -2.9, -3, -2.2);
  context.bezierCurveTo(-3.2, -1.2, -3.7, -0.2, -4.2, 0.8);
  context.fill();
  context.beginPath();
  context.ellipse(0.1, -5.1, 0.98, 1.08, 0.2, 0, Math.PI * 2);
  context.fill();
  context.fillRect(-0.1, -4.6, 0.8, 1);
  if (hair > 0) {
    context.beginPath();
    context.moveTo(-0.2, -6.1);
    context.bezierCurveTo(1.5, -6.4, 1.5, -4.6, 1.5, -4.6 + hair);
    context.lineTo(0.4, -4.5 + hair * 0.8);
    context.fill();
  }
  context.restore();
}

function vignette(frame: Frame): void {
  const { context, width, height } = frame;
  const reach = Math.hypot(width, height) / 2;
  const shade = context.createRadialGradient(
    width / 2,
    height * 0.5,
    reach * 0.45,
    width / 2,
    height * 0.5,
    reach,
  );
  shade.addColorStop(0, "rgba(4, 7, 15, 0)");
  shade.addColorStop(1, "rgba(4, 7, 15, 0.5)");
  context.fillStyle = shade;
  context.fillRect(0, 0, width, height);
}
