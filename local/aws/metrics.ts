import { type JsonObject, listOf, objectOf } from '../../infra/proof/assembly/json.ts';

/** A figure that a function writes as a line of its log, as CloudWatch takes it from there. */
export interface Figure {
  namespace: string;
  metric: string;
  dimensions: Readonly<Record<string, string>>;
  values: readonly number[];
}

/**
 * The figures in a line in the embedded metric format; none in any other.
 * {@link https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html}
 */
export function readFigures(fields: JsonObject): Figure[] {
  return listOf(objectOf(fields._aws).CloudWatchMetrics).flatMap((directive) => {
    const { Namespace, Dimensions, Metrics } = objectOf(directive);
    return listOf(Dimensions).flatMap((names) =>
      listOf(Metrics).map((metric): Figure => {
        const name = String(objectOf(metric).Name);
        const pairs = listOf(names).map((each) => [String(each), String(fields[String(each)])]);
        const values = [fields[name]].flat().map(Number);
        return { namespace: String(Namespace), metric: name, dimensions: Object.fromEntries(pairs), values };
      }),
    );
  });
}

const COMPARISONS: Readonly<Record<string, (value: number, threshold: number) => boolean>> = {
  GreaterThanThreshold: (value, threshold) => value > threshold,
  GreaterThanOrEqualToThreshold: (value, threshold) => value >= threshold,
  LessThanThreshold: (value, threshold) => value < threshold,
  LessThanOrEqualToThreshold: (value, threshold) => value <= threshold,
};

/** Whether an `AWS::CloudWatch::Alarm` with these properties rings at a value of its metric. */
export function ringsAt({ ComparisonOperator, Threshold }: JsonObject, value: number): boolean {
  return COMPARISONS[String(ComparisonOperator)]?.(value, Number(Threshold)) ?? false;
}

/** Whether such an alarm is about a figure and rings at one of its values: its namespace, metric and dimensions, and no other. */
export function ringsOn(alarm: JsonObject, { namespace, metric, dimensions, values }: Figure): boolean {
  const wanted = listOf(alarm.Dimensions).map(objectOf);
  return (
    alarm.Namespace === namespace &&
    alarm.MetricName === metric &&
    Object.keys(dimensions).length === wanted.length &&
    wanted.every(({ Name, Value }) => dimensions[String(Name)] === Value) &&
    values.some((value) => ringsAt(alarm, value))
  );
}
