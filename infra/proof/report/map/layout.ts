import { escapeControls } from '../../../terminal.ts';
import { type MapNode, type MapZone, nodesIn, type ZoneMap } from './model.ts';
import type { Point } from './paths.ts';
import { SIZES, type TextStyle, wrap } from './text.ts';

/** A rectangle of the drawing. */
export interface Area {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** A line of text in a node; `y` of its baseline, from the node's top. */
interface TextLine {
  text: string;
  style: TextStyle;
  y: number;
}

/** The frame of a zone, or of a network in it. */
export interface Frame extends Area {
  zone: MapZone;
  kind: 'zone' | 'signing' | 'network';
  title: string;
  /** Said at the right of the title. */
  aside: string;
}

/** A node with its place. */
export interface PlacedNode extends Area {
  node: MapNode;
  lines: readonly TextLine[];
}

/** A label on a line: the endpoint or gate that calls go through. */
export interface Pill extends Area {
  text: string;
}

/** A drawn call, or a part of one. `from` and `to` are ids of nodes; several where calls share it. */
export interface Line {
  from: readonly string[];
  to: readonly string[];
  path: string;
  kind: 'start' | 'call' | 'sign' | 'keep' | 'out' | 'violation';
  arrow: boolean;
}

/** A drawing: everything with its place, in an area from 0, 0. */
export interface Layout {
  heading: string;
  width: number;
  height: number;
  frames: readonly Frame[];
  nodes: readonly PlacedNode[];
  pills: readonly Pill[];
  lines: readonly Line[];
  captions: readonly { text: string; x: number; y: number }[];
  legend: readonly { kind: Line['kind']; text: string; x: number; y: number }[];
}

/** Space between a node's edge and its text. */
export const INSET = 8;

/** Space that a node's sign takes at the left of its label. */
export const SIGN_WIDTH = 18;

/** Sets a node's text in `width`: how high it becomes, and its lines. */
export function measure(node: MapNode, width: number): { lines: TextLine[]; height: number } {
  const lines: TextLine[] = [];
  let y = 7;
  const add = (text: string, style: TextStyle, room: number) => {
    for (const line of wrap(escapeControls(text), style, room)) {
      y += SIZES[style] + 3;
      lines.push({ text: line, style, y: y - 3 });
    }
  };
  add(node.label, 'label', width - 2 * INSET - SIGN_WIDTH);
  for (const note of node.notes) add(note, 'note', width - 2 * INSET);
  return { lines, height: y + 7 };
}

/** Places nodes one below the other from `y` on, `gap` apart. */
export function stack(
  nodes: readonly MapNode[],
  x: number,
  y: number,
  width: number,
  gap: number,
): PlacedNode[] {
  let next = y;
  return nodes.map((node) => {
    const { lines, height } = measure(node, width);
    const placed = { node, x, y: next, width, height, lines };
    next += height + gap;
    return placed;
  });
}

/** How high {@link stack} makes `nodes`. */
export function stackHeight(nodes: readonly MapNode[], width: number, gap: number): number {
  return (
    nodes.reduce((sum, node) => sum + measure(node, width).height + gap, 0) - (nodes.length > 0 ? gap : 0)
  );
}

/** Moves areas down, in the order of where they would like to be, until they are `gap` apart; then all up again as far as they overshoot. */
export function spread<Item extends Area>(items: readonly Item[], top: number, gap: number): Item[] {
  const sorted = [...items].sort((a, b) => a.y - b.y);
  let least = top;
  return sorted.map((item) => {
    const y = Math.max(item.y, least);
    least = y + item.height + gap;
    return { ...item, y };
  });
}

/** Middle of an area, from the top. */
export function middle({ y, height }: Area): number {
  return y + height / 2;
}

/** Where lines reach a node from the left. */
export function leftOf(area: Area): Point {
  return [area.x, middle(area)];
}

/** Where lines reach a node from the right. */
export function rightOf(area: Area): Point {
  return [area.x + area.width, middle(area)];
}

/** Mean of some numbers; `otherwise` of none. */
export function mean(numbers: readonly number[], otherwise: number): number {
  return numbers.length === 0 ? otherwise : numbers.reduce((sum, value) => sum + value, 0) / numbers.length;
}

/** What enters a zone, in the order of the functions that it starts, so that few lines cross. */
export function entriesByFunction(map: ZoneMap, zone: string): MapNode[] {
  const order = new Map(nodesIn(map, zone, 'function').map(({ id }, index) => [id, index]));
  const place = (entry: MapNode) => order.get(map.calls.find(({ from }) => from === entry.id)?.to ?? '') ?? 0;
  return nodesIn(map, zone, 'route', 'events', 'schedule').sort((a, b) => place(a) - place(b));
}
