package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// WorkOrder asks for one change to one repository. The controller clones the repository, has a coding agent
// plan and implement the request, pushes a branch and opens a pull request.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=wo,scope=Namespaced
// +kubebuilder:printcolumn:name="Phase",type=string,JSONPath=`.status.phase`
// +kubebuilder:printcolumn:name="Branch",type=string,JSONPath=`.status.branch`
// +kubebuilder:printcolumn:name="PR",type=string,JSONPath=`.status.pullRequest.url`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type WorkOrder struct {
	metav1.TypeMeta `json:",inline"`
	// Standard object metadata. The name is the identity of the order.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`
	// What is asked for.
	Spec WorkOrderSpec `json:"spec"`
	// What the controller found and did. Written by the controller, never read back by it.
	// +optional
	Status *WorkOrderStatus `json:"status,omitempty"`
}

// WorkOrderList is a list of WorkOrders, in the shape of Kubernetes lists.
//
// +kubebuilder:object:root=true
type WorkOrderList struct {
	metav1.TypeMeta `json:",inline"`
	// +optional
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []WorkOrder `json:"items"`
}

// WorkOrderSpec is what the author of a manifest writes.
type WorkOrderSpec struct {
	// The repository to change.
	Repository Repository `json:"repository"`
	// What to do, in words. Handed to the agent as it stands.
	// +kubebuilder:validation:MinLength=1
	Request string `json:"request"`
	// The phases to run, a subset of Planning, Implementing and PR in this order; PR needs Implementing.
	// Default: all three.
	// +optional
	// +kubebuilder:validation:items:Enum=Planning;Implementing;PR
	Phases []Phase `json:"phases,omitempty"`
	// The coding agent that plans and implements.
	// +optional
	Agent Agent `json:"agent,omitempty"`
	// How the pull request is opened.
	// +optional
	PullRequest PullRequestSpec `json:"pullRequest,omitempty"`
	// How long a phase may take.
	// +optional
	Timeouts Timeouts `json:"timeouts,omitempty"`
	// How many times a transient failure of a phase is retried. Default: 2.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=100
	RetryLimit *int32 `json:"retryLimit,omitempty"`
	// True ends a running agent and frees its slot; false resumes its session.
	// +optional
	Suspend bool `json:"suspend,omitempty"`
	// True ends the order for good; a retry takes it back.
	// +optional
	Cancel bool `json:"cancel,omitempty"`
}

// CloneMode says how the workspace gets its objects.
// +kubebuilder:validation:Enum=Shared;Full
type CloneMode string

const (
	// CloneShared is a repository of its own that borrows the mirror's objects.
	CloneShared CloneMode = "Shared"
	// CloneFull is a repository that stands alone.
	CloneFull CloneMode = "Full"
)

// Repository names the repository and the branches.
type Repository struct {
	// The URL to clone: https, or file and absolute path where the controller allows them. No credentials in it.
	// +kubebuilder:validation:MinLength=1
	URL string `json:"url"`
	// The branch to start from and to open the pull request against. Default: the remote's HEAD.
	// +optional
	BaseBranch string `json:"baseBranch,omitempty"`
	// The branch to push. Default: awo/NAME-HEX, HEX being the 8 digits of the run's id.
	// +optional
	Branch string `json:"branch,omitempty"`
	// Shared borrows objects from the controller's mirror, Full stands alone. Default: Shared.
	// +optional
	Clone CloneMode `json:"clone,omitempty"`
}

// AgentType names a supported coding agent.
// +kubebuilder:validation:Enum=claude;command
type AgentType string

const (
	// AgentClaude is Claude Code.
	AgentClaude AgentType = "claude"
	// AgentCommand is any program that reads a prompt on stdin and edits the work tree.
	AgentCommand AgentType = "command"
)

// Agent configures the coding agent.
type Agent struct {
	// claude (Claude Code) or command (any program). Default: claude.
	// +optional
	Type AgentType `json:"type,omitempty"`
	// The model, for claude. Default: CLAUDE_CLI_MODEL, then sonnet.
	// +optional
	Model string `json:"model,omitempty"`
	// How many turns a phase may take, for claude. Default: CLAUDE_CLI_MAX_TURNS, then no limit.
	// +optional
	// +kubebuilder:validation:Minimum=1
	MaxTurns *int32 `json:"maxTurns,omitempty"`
	// US dollars that all attempts and phases of a run may cost together, for claude: an integer or a decimal
	// string. Default: no limit.
	// +optional
	MaxBudgetUSD *intstr.IntOrString `json:"maxBudgetUSD,omitempty"`
	// The program and its arguments, for type command. A relative program is found in the work tree, a bare
	// name in PATH.
	// +optional
	Command []string `json:"command,omitempty"`
}

// PullRequestSpec configures the pull request.
type PullRequestSpec struct {
	// Open it as a draft.
	// +optional
	Draft bool `json:"draft,omitempty"`
	// Its title. Default: the first line of the request.
	// +optional
	// +kubebuilder:validation:MaxLength=256
	Title string `json:"title,omitempty"`
	// Labels to set. They must exist in the repository.
	// +optional
	Labels []string `json:"labels,omitempty"`
	// Users or teams (ORG/TEAM) to ask for a review.
	// +optional
	Reviewers []string `json:"reviewers,omitempty"`
}

// Phase is a step of a WorkOrder, or where it stands.
type Phase string

// The phases of a WorkOrder. Planning, Implementing and PR can be named in spec.phases; the last three are ends.
const (
	PhasePending      Phase = "Pending"
	PhaseCloning      Phase = "Cloning"
	PhasePlanning     Phase = "Planning"
	PhaseImplementing Phase = "Implementing"
	PhasePR           Phase = "PR"
	PhaseSucceeded    Phase = "Succeeded"
	PhaseFailed       Phase = "Failed"
	PhaseCancelled    Phase = "Cancelled"
)

// WorkOrderStatus is the projection of the controller's record into the manifest.
type WorkOrderStatus struct {
	// The generation of the spec that this status speaks of. Counted by the controller.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`
	// The id of the run: wo- and 8 hex digits.
	// +optional
	ID string `json:"id,omitempty"`
	// The hash of what defines the work of this run.
	// +optional
	RunHash string `json:"runHash,omitempty"`
	// Where the order stands, derived from the conditions for people.
	// +optional
	Phase Phase `json:"phase,omitempty"`
	// Ready, Reconciling, Stalled, and one for each step.
	// +optional
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty"`
	// The branch that is pushed.
	// +optional
	Branch string `json:"branch,omitempty"`
	// The branch that the work starts from.
	// +optional
	BaseBranch string `json:"baseBranch,omitempty"`
	// The commit that the work starts from.
	// +optional
	BaseCommit string `json:"baseCommit,omitempty"`
	// The newest commit of the work.
	// +optional
	HeadCommit string `json:"headCommit,omitempty"`
	// The size of the difference between base and head.
	// +optional
	Changes *Changes `json:"changes,omitempty"`
	// The pull request, once it is open.
	// +optional
	PullRequest *PullRequest `json:"pullRequest,omitempty"`
	// What the agent reports to have used, over all attempts and phases of the run.
	// +optional
	Usage *Usage `json:"usage,omitempty"`
	// One entry for each attempt of a phase, the newest 50.
	// +optional
	Steps []Step `json:"steps,omitempty"`
	// When the next attempt begins, while the order waits.
	// +optional
	NextAttemptAt *metav1.Time `json:"nextAttemptAt,omitempty"`
	// The last value of the annotation awo.archon.dev/retried-at that was acted on.
	// +optional
	LastHandledRetry string `json:"lastHandledRetry,omitempty"`
	// One sentence for people.
	// +optional
	Message string `json:"message,omitempty"`
}

// Changes counts a difference.
type Changes struct {
	// Commits between base and head.
	Commits int32 `json:"commits"`
	// Files that differ.
	Files int32 `json:"files"`
	// Lines added. Binary files count none.
	Additions int32 `json:"additions"`
	// Lines deleted.
	Deletions int32 `json:"deletions"`
}

// PullRequest is where the pull request stands.
type PullRequest struct {
	// Its address: a web page, or the file URL of pull-request.md for the local forge.
	URL string `json:"url"`
	// Its number; 0 for the local forge.
	// +optional
	Number int32 `json:"number,omitempty"`
}

// Usage adds up what the agent reports.
type Usage struct {
	// US dollars as a decimal string with 4 digits; absent when the agent reports none.
	// +optional
	CostUSD string `json:"costUSD,omitempty"`
	// +optional
	InputTokens int64 `json:"inputTokens,omitempty"`
	// +optional
	OutputTokens int64 `json:"outputTokens,omitempty"`
	// +optional
	CacheReadTokens int64 `json:"cacheReadTokens,omitempty"`
	// +optional
	CacheWriteTokens int64 `json:"cacheWriteTokens,omitempty"`
	// +optional
	Turns int64 `json:"turns,omitempty"`
}

// StepOutcome is how an attempt of a phase ended.
type StepOutcome string

// The outcomes of a step. A running one has none.
const (
	StepSucceeded   StepOutcome = "Succeeded"
	StepFailed      StepOutcome = "Failed"
	StepInterrupted StepOutcome = "Interrupted"
	StepCancelled   StepOutcome = "Cancelled"
)

// Step is one attempt of a phase.
type Step struct {
	// The phase.
	Phase Phase `json:"phase"`
	// Counted from 1 in each phase; an interrupted attempt and the one that resumes it share a number.
	Attempt int32 `json:"attempt"`
	// When it began.
	StartedAt metav1.Time `json:"startedAt"`
	// When it ended.
	// +optional
	FinishedAt *metav1.Time `json:"finishedAt,omitempty"`
	// The agent's session.
	// +optional
	SessionID string `json:"sessionID,omitempty"`
	// How it ended; absent while it runs. Interrupted is an end by the controller's own stop, crash or suspend.
	// +optional
	Outcome StepOutcome `json:"outcome,omitempty"`
	// Why it failed, one of the reasons of the conditions.
	// +optional
	Reason string `json:"reason,omitempty"`
	// What was reported.
	// +optional
	Message string `json:"message,omitempty"`
}
