/** Style of the page round the map; its colours are the map's. */
export const PAGE_STYLE = `
:root{color-scheme:light dark;--page:#fbfaf7;--text:#1b232d;--soft:#56616e;--rule:#d5d9de;--alarm:#b3261e}
@media (prefers-color-scheme:dark){:root{--page:#0c0f13;--text:#e8ecf1;--soft:#a5b0bc;--rule:#2f3842;--alarm:#ff8f86}}
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
figure.map>div{overflow-x:auto}
figure.map svg{display:block}
figure.map .middle,figure.map .narrow{display:none}
@media screen and (max-width:82rem){figure.map .wide{display:none}figure.map .middle{display:block}}
@media screen and (max-width:47.4rem){figure.map .middle{display:none}figure.map .narrow{display:block}}
table{border-collapse:collapse;width:100%;font-size:.9rem;table-layout:fixed}
th:nth-child(1){width:17%}th:nth-child(2){width:12%}th:nth-child(3){width:24%}th:nth-child(4){width:21%}
th,td{text-align:start;vertical-align:top;padding:.4rem .75rem .4rem 0;border-bottom:1px solid var(--rule)}
th{font-weight:600;color:var(--soft)}
td[data-label=when]{color:var(--soft);max-width:28rem;overflow-wrap:anywhere}
@media (max-width:46rem){
thead{position:absolute;clip-path:inset(50%);height:1px;width:1px;overflow:hidden}
table,tbody,tr,td{display:block}
tr{padding:.6rem 0;border-bottom:1px solid var(--rule)}
td{border:0;padding:.1rem 0;display:grid;grid-template-columns:5.5rem 1fr}
td::before{content:attr(data-label);color:var(--soft)}
}
@media print{
:root{--page:#fff;--text:#000;--soft:#444;--rule:#bbb;--alarm:#b3261e}
main{max-width:none;padding:0}
figure.map svg{width:100%;height:auto}
section,tr,figure{break-inside:avoid}
}
`;
