package workorder

import (
	"fmt"
	"strings"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/controller/store"
)

// invalid is the end of an order whose spec cannot be carried out.
func invalid(seen store.Observation) *store.End {
	texts := make([]string, 0, len(seen.Invalid))
	for _, p := range seen.Invalid {
		texts = append(texts, p.String())
	}
	return &store.End{
		Phase: v1alpha1.PhaseFailed, Reason: v1alpha1.ReasonInvalidSpec,
		Message: seen.Path + ": " + strings.Join(texts, "; ") + ". Correct the manifest; it then runs",
	}
}

// forbidden is the end of an order whose next phase the controller does not allow any more.
func forbidden(r *store.Record, problems []string) *store.End {
	return &store.End{
		Phase: v1alpha1.PhaseFailed, During: NextPhase(r), Reason: v1alpha1.ReasonInvalidSpec,
		Message: fmt.Sprintf("%s. Correct the manifest, or have the controller allow it and run `awo retry %s`", strings.Join(problems, "; "), r.Name),
	}
}

// cancelled is the end of an order that a person ended.
func cancelled(r *store.Record) *store.End {
	return &store.End{
		Phase: v1alpha1.PhaseCancelled, During: NextPhase(r), Reason: v1alpha1.ReasonCancelled,
		Message: fmt.Sprintf("cancelled by spec.cancel; run `awo retry %s` to start its phase again", r.Name),
	}
}

// deleted is the end of an order whose manifest went away before its run had ended.
func deleted(r *store.Record) *store.End {
	return &store.End{
		Phase: v1alpha1.PhaseCancelled, During: NextPhase(r), Reason: v1alpha1.ReasonCancelled,
		Message: "the manifest was deleted",
	}
}

// superseded is the end of a run that had not begun when its order asked again for what another one has done.
func superseded(by string) *store.End {
	return &store.End{
		Phase: v1alpha1.PhaseCancelled, Reason: v1alpha1.ReasonCancelled,
		Message: fmt.Sprintf("run %s has done what the order asks for now", by),
	}
}

// succeeded is the last message of a run that did all it was asked.
func succeeded(r *store.Record) string {
	switch st := r.Status; {
	case st.PullRequest != nil && r.PullRequestNote != "":
		return "pull request " + st.PullRequest.URL + "; " + r.PullRequestNote
	case st.PullRequest != nil:
		return "pull request " + st.PullRequest.URL
	case st.HeadCommit != "":
		return fmt.Sprintf("commit %.12s on branch %s, kept in the workspace and as a bundle in outputs/%s", st.HeadCommit, st.Branch, r.ID)
	}
	return fmt.Sprintf("the plan is in outputs/%s/plan.md", r.ID)
}
