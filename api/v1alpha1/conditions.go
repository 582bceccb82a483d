package v1alpha1

// Annotations with which a person or a tool asks something of the controller.
const (
	// AnnotationRetriedAt is set by `awo retry` to the time of the request: the failed phase starts again.
	AnnotationRetriedAt = "awo.archon.dev/retried-at"
)

// Condition types. Ready, Reconciling and Stalled follow kstatus; the others are facts about one step.
const (
	// ConditionReady is True when the order Succeeded, False when it failed, Unknown while it is under way.
	ConditionReady = "Ready"
	// ConditionReconciling is present and True while work is under way or due.
	ConditionReconciling = "Reconciling"
	// ConditionStalled is present and True when nothing more happens without a person.
	ConditionStalled = "Stalled"
	// ConditionSpecValid tells whether the spec can be carried out.
	ConditionSpecValid = "SpecValid"
	// ConditionCloned tells that the workspace stands at the base commit.
	ConditionCloned = "Cloned"
	// ConditionPlanned tells that plan.md exists.
	ConditionPlanned = "Planned"
	// ConditionImplemented tells that a commit with a difference exists.
	ConditionImplemented = "Implemented"
	// ConditionPushed tells that the remote branch was seen to stand at our commit.
	ConditionPushed = "Pushed"
	// ConditionPullRequestOpened tells that the pull request was seen at the forge.
	ConditionPullRequestOpened = "PullRequestOpened"
	// ConditionFilesLeftOut is present and True when files of the work tree were not committed on purpose.
	ConditionFilesLeftOut = "FilesLeftOut"
	// ConditionSpecChangeRefused is present and True when a field that may not change during a run was changed.
	ConditionSpecChangeRefused = "SpecChangeRefused"
	// ConditionStatusNotWritten is present and True when status is kept out of the manifest.
	ConditionStatusNotWritten = "StatusNotWritten"
	// ConditionAgentConfined tells whether the run's agents were confined in a sandbox; present once one was started, or may not be.
	ConditionAgentConfined = "AgentConfined"
	// ConditionContentNotFetched is present and True when the repository has submodules or files in Git LFS.
	ConditionContentNotFetched = "ContentNotFetched"
	// ConditionPromptTemplateBroken is present and True when a replaced prompt template cannot be used.
	ConditionPromptTemplateBroken = "PromptTemplateBroken"
)

// Terminal reasons: why an order failed for good. Each message that carries one names what to do next.
const (
	ReasonInvalidSpec          = "InvalidSpec"
	ReasonCloneFailed          = "CloneFailed"
	ReasonAuthenticationFailed = "AuthenticationFailed"
	ReasonRepositoryNotFound   = "RepositoryNotFound"
	ReasonAgentFailed          = "AgentFailed"
	ReasonAgentNotInstalled    = "AgentNotInstalled"
	ReasonNoChanges            = "NoChanges"
	ReasonPushRejected         = "PushRejected"
	ReasonPullRequestFailed    = "PullRequestFailed"
	ReasonBudgetExceeded       = "BudgetExceeded"
	ReasonMaxTurns             = "MaxTurns"
	ReasonTimeout              = "Timeout"
	ReasonStalled              = "Stalled"
	ReasonProtectedPath        = "ProtectedPath"
	ReasonSecretInDiff         = "SecretInDiff"
	ReasonTooLarge             = "TooLarge"
	ReasonUnsupportedContent   = "UnsupportedContent"
	ReasonCancelled            = "Cancelled"
)

// Reasons of conditions that are not the end of an order.
const (
	ReasonSucceeded        = "Succeeded"
	ReasonProgressing      = "Progressing"
	ReasonWaitingForSlot   = "WaitingForSlot"
	ReasonBackoff          = "Backoff"
	ReasonUsageLimit       = "UsageLimit"
	ReasonDiskFull         = "DiskFull"
	ReasonSuspended        = "Suspended"
	ReasonInterrupted      = "Interrupted"
	ReasonValid            = "Valid"
	ReasonFieldImmutable   = "FieldImmutableDuringRun"
	ReasonLeftOut          = "LeftOut"
	ReasonReadOnly         = "ReadOnly"
	ReasonTrackedByGit     = "TrackedByGit"
	ReasonConfigured       = "Configured"
	ReasonNotWritable      = "NotWritable"
	ReasonTemplateInvalid  = "TemplateInvalid"
	ReasonSubmodules       = "Submodules"
	ReasonLFS              = "LFS"
	ReasonSubmodulesAndLFS = "SubmodulesAndLFS"
	ReasonLandlock         = "Landlock"
	ReasonLandlockMissing  = "LandlockMissing"
	ReasonSandboxOff       = "SandboxOff"
	ReasonSocketInReach    = "SocketInReach"
)
