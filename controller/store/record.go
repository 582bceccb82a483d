package store

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/agent-work-orders/awo/api/v1alpha1"
)

// RecordVersion is the schema version of record.json that this binary writes. It reads this and older ones.
const RecordVersion = 1

// Record is the truth about one run of an order: what was intended, what was done, what was found.
// The manifest's status is its projection. It is stored as outputs/<id>/record.json.
type Record struct {
	// ID is the run: wo- and 8 hex digits.
	ID string `json:"id"`
	// Name and Namespace are the order's.
	Name      string `json:"name"`
	Namespace string `json:"namespace"`
	// UID and CreatedAt belong to the order and are carried from run to run of one name.
	UID       string      `json:"uid"`
	CreatedAt metav1.Time `json:"createdAt"`
	// Run counts the runs of this name, from 1. The highest is the current one.
	Run int64 `json:"run"`
	// Path (relative to workorders/, slashes) and Document (index in the file) are where the manifest was last seen.
	Path     string `json:"path"`
	Document int    `json:"document"`
	// SpecHash is the spec last observed; Status.ObservedGeneration counts its changes.
	SpecHash string `json:"specHash"`
	// Spec is what this run works with, as written when the run began, with the fields that may change during a
	// run kept up to date.
	Spec v1alpha1.WorkOrderSpec `json:"spec"`
	// Done lists the phases of this run that are complete.
	Done []v1alpha1.Phase `json:"done,omitempty"`
	// Attempts counts the failed attempts of a phase that count against retryLimit since the last retry.
	Attempts map[v1alpha1.Phase]int32 `json:"attempts,omitempty"`
	// Sessions holds the agent's session of a phase.
	Sessions map[v1alpha1.Phase]Session `json:"sessions,omitempty"`
	// Running is the phase that was started and has not ended; after a crash it tells what to look up.
	Running v1alpha1.Phase `json:"running,omitempty"`
	// Supervisor is the process at the top of the agent's tree.
	Supervisor *Process `json:"supervisor,omitempty"`
	// Pushing is the commit that a push was begun with, Pushed the commit that the remote was seen to have.
	Pushing string `json:"pushing,omitempty"`
	Pushed  string `json:"pushed,omitempty"`
	// LeaseSHA is what the remote branch is expected to be at before the push; empty: it must not exist.
	LeaseSHA string `json:"leaseSHA,omitempty"`
	// OpeningPullRequest is set before the pull request is created.
	OpeningPullRequest bool `json:"openingPullRequest,omitempty"`
	// PullRequestNote says what could not be set on the pull request, such as a reviewer.
	PullRequestNote string `json:"pullRequestNote,omitempty"`
	// LeftOut lists files of the work tree that were not committed on purpose.
	LeftOut []string `json:"leftOut,omitempty"`
	// Summary is the agent's report of Implementing, cut to 16 KiB; it opens the pull request's body.
	Summary string `json:"summary,omitempty"`
	// Reported is the phase whose agent has ended well while the rest of the phase is still to be done; after a
	// crash the agent is not run again for it.
	Reported v1alpha1.Phase `json:"reported,omitempty"`
	// StartAfresh says that the next phase begins from a clean work tree, whatever was left in it.
	StartAfresh bool `json:"startAfresh,omitempty"`
	// Begun counts the steps of the run; it numbers prompts and transcripts.
	Begun int64 `json:"begun,omitempty"`
	// Protected lists paths of the difference that only the controller's --allow-protected-paths lets through, at most 20.
	Protected []string `json:"protected,omitempty"`
	// ProtectedBy are the globs of --protected-paths that Protected was found with.
	ProtectedBy []string `json:"protectedBy,omitempty"`
	// PromptProblem says why a replaced prompt template was passed over for the last good one.
	PromptProblem string `json:"promptProblem,omitempty"`
	// Confinement says how the agent that was started last was confined; nil before the first.
	Confinement *Confinement `json:"confinement,omitempty"`
	// StatusKeptOut says why the status is not in the manifest, with the reason of the condition.
	StatusKeptOut *Note `json:"statusKeptOut,omitempty"`
	// NotFetched says what the repository has that the workspace has not: submodules, files in Git LFS.
	NotFetched *Note `json:"notFetched,omitempty"`
	// End is how the run ended; nil while it has not.
	End *End `json:"end,omitempty"`
	// CleanedUp says that workspace, home and staging of an ended run were dealt with.
	CleanedUp bool `json:"cleanedUp,omitempty"`
	// Deleted says that the manifest was deleted and this was acted on.
	Deleted bool `json:"deleted,omitempty"`
	// Status is the last status worked out; what the manifest shows.
	Status v1alpha1.WorkOrderStatus `json:"status"`
}

// Confinement is how an agent was confined, or why it was not.
type Confinement struct {
	Confined bool `json:"confined"`
	Note
}

// Note is a reason of a condition with its message.
type Note struct {
	Reason  string `json:"reason"`
	Message string `json:"message"`
}

// Session is an agent's conversation in one phase.
type Session struct {
	// ID is ours, recorded before the agent starts.
	ID string `json:"id"`
	// Started says that the agent was started with it at least once, so it is resumed and not begun.
	Started bool `json:"started"`
	// CostUSD is what the session had cost when it was last seen; the agent reports it cumulatively.
	CostUSD float64 `json:"costUSD,omitempty"`
}

// Process identifies a process beyond the reuse of its number.
type Process struct {
	PID int `json:"pid"`
	// StartTime is field 22 of /proc/PID/stat, in clock ticks since boot.
	StartTime uint64 `json:"startTime"`
	// BootID is /proc/sys/kernel/random/boot_id.
	BootID string `json:"bootID"`
}

// End is the end of a run.
type End struct {
	// Phase is Succeeded, Failed or Cancelled.
	Phase v1alpha1.Phase `json:"phase"`
	// During is the phase in which it ended, the one that a retry starts again.
	During v1alpha1.Phase `json:"during,omitempty"`
	// Reason is one of the terminal reasons; empty for Succeeded.
	Reason  string      `json:"reason,omitempty"`
	Message string      `json:"message,omitempty"`
	At      metav1.Time `json:"at"`
}

// RunHash is the hash of what defines the work of this run.
func (r *Record) RunHash() string { return r.Spec.RunHash() }
