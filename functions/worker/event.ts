import { isOrganizationNumber } from '@helseid-zones/protocol/details';
import { ZonesError } from '@helseid-zones/protocol/errors';
import { readBy, refuseNewer } from '@helseid-zones/protocol/schema';
import * as v from 'valibot';

/** What an event asks for: a document, submitted on behalf of a child organisation. */
export type DocumentEvent = ReturnType<typeof parseDocumentEvent>;

const text = v.pipe(v.string(), v.minLength(1), v.maxLength(2048));

const identifier = v.looseObject({
  // Neither may hold what separates them in a search parameter, or is not seen: two would be one there, and one document never made.
  system: v.pipe(text, v.regex(/^[^\s|,$\\\p{C}]+$/u)),
  value: v.pipe(text, v.regex(/^[^\s|,$\\\p{C}]+$/u)),
});

/**
 * A FHIR R4 DocumentReference, as far as this function looks into it; the rest goes to the API as it came. Mandatory elements (status,
 * content.attachment), and an identifier, which R4 leaves open.
 */
const documentReference = v.looseObject({
  resourceType: v.literal('DocumentReference'),
  masterIdentifier: identifier,
  status: v.picklist(['current', 'superseded', 'entered-in-error']),
  content: v.pipe(v.array(v.looseObject({ attachment: v.looseObject({}) })), v.minLength(1)),
});

const eventSchema = v.pipe(
  v.string(),
  v.parseJson(),
  v.looseObject({
    // It is logged, so it is nothing but what EventBridge makes.
    id: v.pipe(v.string(), v.uuid()),
    'detail-type': text,
    detail: v.pipe(
      v.unknown(),
      v.transform((detail) =>
        refuseNewer(detail, 'The event', "deploy this zone's stack, then send it again"),
      ),
      v.strictObject({
        version: v.exactOptional(v.literal(1)),
        organization: v.pipe(v.string(), v.check(isOrganizationNumber, 'an organisation number')),
        document: documentReference,
      }),
    ),
  }),
);

/**
 * Reads the body of a queue message: an EventBridge event about a new journal document. Does not validate the document
 * beyond what is needed to submit it: its API does. `id` is EventBridge's of the event, `organization` the number of the sub-unit,
 * `identifier` the business identifier of the document, the same however often it is sent.
 *
 * @throws {ZonesError} event_invalid: naming the field, never its value
 * @throws {ZonesError} version_unknown: its sender is newer than this function; the message ends where it can be sent again from
 */
export function parseDocumentEvent(body: string) {
  const { id, detail } = readBy(eventSchema, body, (field) => {
    const message = field
      ? `${field} is missing or not what it should be.`
      : 'The message is no JSON object; put events on the bus, not into the queue.';
    return new ZonesError('event_invalid', message, { facts: { field: field || 'the event' } });
  });
  const { system, value } = detail.document.masterIdentifier;
  return { id, organization: detail.organization, identifier: { system, value }, document: detail.document };
}
