import { hash } from 'node:crypto';
import * as v from 'valibot';
import { type Call, forwardCall, type Need } from '../call.ts';
import type { AwsContext } from '../context.ts';
import { useKey } from '../kms/keys.ts';
import { type Emulator, integer, jsonEmulator, operationsOn, text, texts, whole } from '../operation.ts';
import type { Queue } from './queues.ts';

/** The attributes that are known here: see `count` of a queue. */
const COUNTS = ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'] as const;

/** The local SQS, as far as an operator needs it to look at queues: count, send, receive, hide, delete, purge. */
export function startSqs(context: AwsContext): Emulator {
  const { queues, authorize } = context;
  const onQueue = (member: string) => operationsOn<Queue>(member, queues.find, queueNeed);
  const onUrl = onQueue('QueueUrl');
  const useForCaller = (call: Call, queue: Queue, way: 'send' | 'receive') =>
    useQueueKey(context, forwardCall(authorize, call, 'sqs.amazonaws.com'), queue, way);
  return jsonEmulator({
    name: 'sqs',
    target: 'AmazonSQS',
    version: '1.0',
    operations: {
      ...onQueue('QueueName')('GetQueueUrl', {}, ({ settings }) => ({ QueueUrl: settings.url })),
      ...onUrl('GetQueueAttributes', { AttributeNames: v.array(v.picklist(COUNTS)) }, (queue) => {
        const { visible, inFlight } = queue.count();
        return { Attributes: { [COUNTS[0]]: `${visible}`, [COUNTS[1]]: `${inFlight}` } };
      }),
      ...onUrl('SendMessage', { MessageBody: text(1_048_576) }, (queue, { MessageBody }, call) => {
        useForCaller(call, queue, 'send');
        const { id, body } = queue.send(MessageBody);
        return { MessageId: id, MD5OfMessageBody: hash('md5', body) };
      }),
      ...onUrl(
        'ReceiveMessage',
        {
          MaxNumberOfMessages: integer(1, 10, 1),
          VisibilityTimeout: v.optional(whole(0, 43_200)),
          // One server has everything, so nothing is waited for; and there are no attributes but SQS's own, which always come.
          WaitTimeSeconds: v.optional(whole(0, 20)),
          MessageSystemAttributeNames: texts,
          MessageAttributeNames: texts,
        },
        (queue, { MaxNumberOfMessages, VisibilityTimeout }, call) => {
          useForCaller(call, queue, 'receive');
          return {
            Messages: queue.receive(MaxNumberOfMessages, VisibilityTimeout).map((message) => ({
              MessageId: message.id,
              ReceiptHandle: message.receipt,
              Body: message.body,
              MD5OfBody: hash('md5', message.body),
              Attributes: {
                ApproximateReceiveCount: String(message.receives),
                SentTimestamp: String(message.sent),
              },
            })),
          };
        },
      ),
      ...onUrl(
        'ChangeMessageVisibility',
        { ReceiptHandle: text(), VisibilityTimeout: whole(0, 43_200) },
        (queue, { ReceiptHandle, VisibilityTimeout }) => queue.hide(ReceiptHandle, VisibilityTimeout),
      ),
      ...onUrl('DeleteMessage', { ReceiptHandle: text() }, (queue, { ReceiptHandle }) =>
        queue.delete(ReceiptHandle),
      ),
      ...onUrl('PurgeQueue', {}, (queue) => queue.purge()),
    },
  });
}

/** The permission to do `action` with a queue. */
export function queueNeed(action: string, { settings }: Queue): Need {
  return { action: `sqs:${action}`, resource: settings.arn };
}

/**
 * Asks for what SQS needs of the queue's key: to encrypt what is sent, or to decrypt what is received.
 * @throws {AwsError} KmsAccessDenied
 */
export function useQueueKey(context: AwsContext, call: Call, { settings }: Queue, way: 'send' | 'receive') {
  useKey(context.keys, call, settings.kmsKeyId, {
    viaService: `sqs.${context.region}.amazonaws.com`,
    actions: way === 'send' ? ['kms:GenerateDataKey', 'kms:Decrypt'] : ['kms:Decrypt'],
    encryptionContext: { 'aws:sqs:arn': settings.arn },
    refusal: { code: 'KmsAccessDenied', message: "SQS can't use the key of the queue" },
  });
}
