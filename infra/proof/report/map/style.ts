/** Colours, by name: in light and in dark. Text on what it stands on has a contrast of 4.5 or more. */
const COLOURS: Readonly<Record<string, readonly [light: string, dark: string]>> = {
  page: ['#f6f4ef', '#0f1318'],
  zone: ['#ffffff', '#171d24'],
  rule: ['#cfd4da', '#36414d'],
  node: ['#f4f6f8', '#212a33'],
  text: ['#1b232d', '#e8ecf1'],
  soft: ['#56616e', '#a5b0bc'],
  line: ['#7b8794', '#788593'],
  signing: ['#e3f0ee', '#10302f'],
  accent: ['#0f6460', '#74d3cb'],
  out: ['#8a5a12', '#e0b264'],
  alarm: ['#b3261e', '#ff8f86'],
  warning: ['#fdecea', '#3d1a18'],
};

function variables(index: 0 | 1): string {
  return Object.entries(COLOURS)
    .map(([name, colours]) => `--${name}:${colours[index]}`)
    .join(';');
}

/** The map's style: for a style element in the drawing, or for the sheet of a page that has the drawing in it. */
export const MAP_STYLE = `:root{color-scheme:light dark;${variables(0)}}
@media (prefers-color-scheme:dark){:root{${variables(1)}}}
@media print{:root{${variables(0)};--page:#fff}}
.zone-map,.zone-map *{box-sizing:border-box;margin:0}
.zone-map{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,34rem),1fr));gap:16px;align-items:start;color:var(--text);font:13px/1.4 system-ui,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
.zone-map .column{display:grid;gap:16px;container-type:inline-size;min-width:0}
.zone-map .zone-card{padding:12px;border:1px solid var(--rule);border-radius:10px;background:var(--zone);break-inside:avoid}
.zone-map .signing{background:var(--signing);border:1.5px solid var(--accent)}
.zone-map .title{max-width:none;color:var(--text);font-size:15px;font-weight:600}
.zone-map .note{font-size:11.5px;font-weight:400;color:var(--soft)}
.zone-map ul{list-style:none;padding:0;min-width:0}
.zone-map .group{display:grid;grid-template-columns:minmax(0,3fr) minmax(0,2fr);align-items:center;padding-block:10px}
.zone-map .group+.group{border-top:1px solid var(--rule)}
.zone-map .pairs>li{display:grid;grid-template-columns:minmax(0,1fr) 24px minmax(0,1fr);align-items:center}
.zone-map .pairs>li+li{margin-top:12px}
.zone-map .pairs>li>.node{grid-column:3}
.zone-map .callers{display:grid;gap:6px}
.zone-map .callees{align-self:stretch;display:grid;align-content:center;gap:8px;margin-inline-start:12px;border-inline-start:1.5px solid var(--line)}
.zone-map .callees>li{display:grid;grid-template-columns:24px minmax(0,1fr);align-items:center}
.zone-map .pairs:last-child{grid-column:1/-1}
.zone-map .pairs:last-child>li{grid-template-columns:minmax(0,3fr) 24px minmax(0,2fr)}
.zone-map .arrow{display:flex;align-items:center;padding-inline-end:3px}
.zone-map .arrow::before{content:"";flex:1;border-top:1.5px solid var(--line)}
.zone-map .arrow::after{content:"";border:4px solid transparent;border-inline:6px solid var(--line);border-inline-end:0}
.zone-map .node{padding:6px 8px;border:1px solid var(--rule);border-radius:6px;background:var(--node);overflow-wrap:anywhere}
.zone-map .node .note{display:block}
.zone-map .label,.zone-map code{font:12px/1.4 ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;overflow-wrap:anywhere}
.zone-map .signer,.zone-map .key,.zone-map .record{border-color:var(--accent)}
.zone-map .node:is(.signer,.key,.record){background:var(--zone)}
.zone-map .host{border-color:var(--out)}
.zone-map .node.host{background:none}
.zone-map .sign{vertical-align:-2px;margin-inline-end:5px;fill:none;stroke:var(--soft);stroke-width:1.5;stroke-linecap:round;stroke-linejoin:round}
.zone-map :is(.signer,.key,.record) .sign{stroke:var(--accent)}
.zone-map .host .sign{stroke:var(--out)}
.zone-map .call{display:block;padding-inline-end:6px;overflow-wrap:anywhere;color:var(--soft)}
.zone-map code{color:var(--text);border-bottom:1.5px solid var(--rule)}
.zone-map .pill{padding:0 7px;border:1px solid var(--line);border-radius:9px;background:var(--zone);font-size:11.5px;font-weight:400;color:var(--text)}
.zone-map .call.violated{color:var(--alarm)}
.zone-map .zone-card.violated,.zone-map .node.violated{background:var(--warning);border:2px solid var(--alarm)}
.zone-map .violated>.sign{stroke:var(--alarm)}
@container (max-width:32rem){
.zone-map .group,.zone-map .pairs:last-child>li{grid-template-columns:minmax(0,1fr)}
.zone-map .pairs:last-child>li>.node{grid-column:1}
.zone-map .pairs:last-child .arrow{flex-direction:column;height:18px;padding:0 0 2px}
.zone-map .pairs:last-child .arrow::before{border-top:0;border-inline-start:1.5px solid var(--line)}
.zone-map .pairs:last-child .arrow::after{border:4px solid transparent;border-top:6px solid var(--line);border-bottom:0}
.zone-map .callees{padding-top:10px}
}
`;

/** Style of the page round the map, in the map's colours. */
export const PAGE_STYLE = `
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--text);font:1rem/1.5 system-ui,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
main{max-width:82rem;margin:0 auto;padding:1.5rem 1.25rem 3rem}
h1{font-size:1.6rem;line-height:1.2;margin:0 0 .5rem}
h2{font-size:1.15rem;margin:2.25rem 0 .25rem}
p{margin:.25rem 0 1rem;max-width:46rem;color:var(--soft)}
.bad,p.bad{color:var(--alarm)}
li{overflow-wrap:anywhere}
code{font:.875em ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;overflow-wrap:anywhere}
figure.map{margin:1.25rem 0}
pre{overflow-x:auto}
@media print{
main{max-width:none;padding:0}
section{break-inside:avoid}
}
`;
