import { expect, test } from 'vitest';
import { parseXml } from '../../../infra/verify/live.ts';

test('an answer of the query protocol is what the JSON protocols would give', () => {
  const text = `<?xml version="1.0" encoding="UTF-8"?>
<DescribeThingsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">
  <thingSet>
    <item><thingId>t-1</thingId><tagSet><item><key>a</key><value>x &lt;&amp;&gt; &#x41;&#66;</value></item></tagSet></item>
    <item><thingId>t-2</thingId><tagSet/></item>
  </thingSet>
  <Attributes><entry><key>Policy</key><value>{&quot;a&quot;:1}</value></entry></Attributes>
  <isTruncated>false</isTruncated>
</DescribeThingsResponse>`;
  expect(parseXml(text)).toEqual({
    thingSet: [
      { thingId: 't-1', tagSet: [{ key: 'a', value: 'x <&> AB' }] },
      { thingId: 't-2', tagSet: '' },
    ],
    Attributes: [{ key: 'Policy', value: '{"a":1}' }],
    isTruncated: 'false',
  });
});

test.each(['', 'not xml', '<unclosed', '</closed>', '<a>text</a>'])(
  '%j is an answer without members',
  (text) => {
    expect(parseXml(text)).toEqual({});
  },
);
