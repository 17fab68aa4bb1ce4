"""Lists the resources and properties that matter in the cloud and change nothing on a laptop.

What the reader neither uses nor finds here is an error: whoever adds something to the template decides here whether
the local stack has to honour it.
"""

TYPES = frozenset(
    {
        "AWS::Cognito::UserPool",
        "AWS::Cognito::UserPoolClient",
        "AWS::CloudWatch::Alarm",
        "AWS::CloudWatch::Dashboard",
        "AWS::IAM::Policy",
        "AWS::Logs::LogGroup",
        "AWS::Logs::MetricFilter",
        "AWS::SNS::Topic",
        "AWS::SNS::Subscription",
        "AWS::SNS::TopicPolicy",
        "AWS::SQS::Queue",
    }
)
TABLE = {"PointInTimeRecoverySpecification", "DeletionProtectionEnabled", "SSESpecification", "Tags"}
API = {
    "CorsConfiguration",  # no page of another origin uses the local stack
    "DefaultRouteSettings",
    "Description",
    "FailOnWarnings",
    "RouteSettings",
    "Tags",
}
FUNCTION = {
    "Architectures",
    "AutoPublishAlias",
    "AutoPublishAliasAllProperties",
    "AutoPublishCodeSha256",
    "DeadLetterQueue",
    "DeploymentPreference",
    "Description",
    "EventInvokeConfig",
    "FunctionName",
    "LoggingConfig",
    "ReservedConcurrentExecutions",
    "Runtime",
    "SnapStart",
    "Tags",
    "Tracing",
}
SOURCE = {"ScalingConfig", "MaximumBatchingWindowInSeconds", "Enabled"}
QUEUE = {
    "QueueName",
    "VisibilityTimeout",  # here a message that failed is delivered again at once
    "MessageRetentionPeriod",
    "SqsManagedSseEnabled",
    "KmsMasterKeyId",
    "Tags",
}
SCHEDULE = {"Name", "Description", "RetryPolicy", "DeadLetterConfig", "FlexibleTimeWindow"}
