import { createHash } from 'node:crypto';
import type { Authorize } from '../authorize.ts';
import { forwardCall, type Input, type JsonService, type Operation } from '../call.ts';
import { optionalNumber, optionalTexts, requiredText } from '../input.ts';
import type { KeyStore } from '../kms/keys.ts';
import { useQueueKey } from './access.ts';
import type { Queue, QueueTable } from './queues.ts';

/** What SQS needs. */
export interface SqsDeps {
  queues: QueueTable;
  keys: KeyStore;
  authorize: Authorize;
  region: string;
}

/** The local SQS, as far as an operator needs it to look at queues: send, receive, delete, count. */
export function createSqs(deps: SqsDeps): JsonService {
  const on = (action: string, run: Operation['run'], member = 'QueueUrl'): Operation => ({
    needs(input) {
      const { settings } = deps.queues.find(requiredText(input, member));
      return [{ action: `sqs:${action}`, resource: settings.arn }];
    },
    run,
  });
  const queueOf = (input: Input) => deps.queues.find(requiredText(input, 'QueueUrl'));
  const forwarded = (call: Parameters<Operation['run']>[1]) =>
    forwardCall(deps.authorize, call, 'sqs.amazonaws.com');
  return {
    name: 'sqs',
    target: 'AmazonSQS',
    version: '1.0',
    operations: {
      GetQueueUrl: on(
        'GetQueueUrl',
        (input) => ({ QueueUrl: deps.queues.find(requiredText(input, 'QueueName')).settings.url }),
        'QueueName',
      ),
      GetQueueAttributes: on('GetQueueAttributes', (input) => ({
        Attributes: attributesOf(queueOf(input), optionalTexts(input, 'AttributeNames')),
      })),
      SendMessage: on('SendMessage', (input, call) => {
        const queue = queueOf(input);
        useQueueKey(deps.keys, forwarded(call), queue, 'send', deps.region);
        const { id, body } = queue.send(requiredText(input, 'MessageBody', 1_048_576));
        return { MessageId: id, MD5OfMessageBody: md5(body) };
      }),
      ReceiveMessage: on('ReceiveMessage', (input, call) => {
        const queue = queueOf(input);
        useQueueKey(deps.keys, forwarded(call), queue, 'receive', deps.region);
        const max = optionalNumber(input, 'MaxNumberOfMessages', { min: 1, max: 10, fallback: 1 });
        return {
          Messages: queue.receive(max).map(({ id, body, receipt, receives }) => ({
            MessageId: id,
            ReceiptHandle: receipt,
            Body: body,
            MD5OfBody: md5(body),
            Attributes: { ApproximateReceiveCount: String(receives) },
          })),
        };
      }),
      DeleteMessage: on('DeleteMessage', (input) =>
        queueOf(input).delete(requiredText(input, 'ReceiptHandle')),
      ),
    },
  };
}

/** MD5 of a body, which SQS states and Lambda hands on. */
export function md5(body: string): string {
  return createHash('md5').update(body).digest('hex');
}

function attributesOf(queue: Queue, names: readonly string[]): Record<string, string> {
  const { visible, inFlight } = queue.count();
  const all = {
    QueueArn: queue.settings.arn,
    ApproximateNumberOfMessages: String(visible),
    ApproximateNumberOfMessagesNotVisible: String(inFlight),
    VisibilityTimeout: String(queue.settings.visibilityTimeout),
  };
  if (names.includes('All')) return all;
  return Object.fromEntries(Object.entries(all).filter(([name]) => names.includes(name)));
}
