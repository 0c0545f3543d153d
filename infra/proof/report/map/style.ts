/** Colours, by name: in light and in dark. Text on what it stands on has a contrast of 4.5 or more. */
const COLOURS: Readonly<Record<string, readonly [light: string, dark: string]>> = {
  paper: ['#f6f4ef', '#101418'],
  zone: ['#ffffff', '#171d24'],
  edge: ['#cfd4da', '#36414d'],
  node: ['#f4f6f8', '#212a33'],
  ink: ['#1b232d', '#e8ecf1'],
  quiet: ['#56616e', '#a5b0bc'],
  line: ['#7b8794', '#788593'],
  signing: ['#e3f0ee', '#10302f'],
  accent: ['#0f6460', '#74d3cb'],
  out: ['#8a5a12', '#e0b264'],
  bad: ['#b3261e', '#ff8f86'],
  warning: ['#fdecea', '#3d1a18'],
};

function variables(index: 0 | 1): string {
  return Object.entries(COLOURS)
    .map(([name, colours]) => `--${name}:${colours[index]}`)
    .join(';');
}

/** The map's style: for a style element in the drawing, or for the sheet of a page that has the drawing in it. */
export const MAP_STYLE = `.zone-map{${variables(0)};font-family:system-ui,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;fill:var(--ink)}
@media (prefers-color-scheme:dark){.zone-map{${variables(1)}}}
@media print{.zone-map{${variables(0)};--paper:#fff}}
.zone-map .paper{fill:var(--paper)}
.zone-map .zone{fill:var(--zone);stroke:var(--edge)}
.zone-map .signing{fill:var(--signing);stroke:var(--accent);stroke-width:1.5}
.zone-map .network{fill:var(--zone);stroke:var(--accent);stroke-dasharray:4 3}
.zone-map .title{font-size:15px;font-weight:600}
.zone-map .note{font-size:11px;fill:var(--quiet)}
.zone-map .label{font:12px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace}
.zone-map .heading{font-size:19px;font-weight:650}
.zone-map .verdict{font-size:13px;font-weight:600}
.zone-map text.violated{fill:var(--bad)}
.zone-map .aside{text-anchor:end}
.zone-map .node rect{fill:var(--node);stroke:var(--edge)}
.zone-map .signer rect,.zone-map .key rect,.zone-map .record rect{fill:var(--zone);stroke:var(--accent)}
.zone-map .network~.node.signer rect{fill:var(--signing)}
.zone-map .host rect{fill:none;stroke:var(--out)}
.zone-map .sign{fill:none;stroke:var(--quiet);stroke-width:1.5;stroke-linecap:round;stroke-linejoin:round}
.zone-map .signer .sign,.zone-map .key .sign,.zone-map .record .sign{stroke:var(--accent)}
.zone-map .host .sign{stroke:var(--out)}
.zone-map .pill rect{fill:var(--zone);stroke:var(--line)}
.zone-map .pill text{font-size:11px;text-anchor:middle}
.zone-map .line{fill:none;stroke:var(--line);stroke-width:1.5}
.zone-map .line.signature{stroke:var(--accent)}
.zone-map .line.keep{stroke-dasharray:5 4}
.zone-map .line.out{stroke:var(--out)}
.zone-map .tip{fill:var(--line);stroke:none}
.zone-map .tip.signature{fill:var(--accent)}
.zone-map .tip.out{fill:var(--out)}
.zone-map .violation.line{stroke:var(--bad);stroke-width:2.5}
.zone-map .tip.violation{fill:var(--bad)}
.zone-map .violated rect,.zone-map .violated.zone,.zone-map .violated.signing{fill:var(--warning);stroke:var(--bad);stroke-width:2}
.zone-map .violated .sign{stroke:var(--bad)}
`;
