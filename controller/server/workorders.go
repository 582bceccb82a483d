package server

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/go-logr/logr"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/agent-work-orders/awo/api/v1alpha1"
)

// Problem is something wrong with a manifest that keeps it from being an order.
type Problem struct {
	// Name and Namespace of the order, where they could be read.
	Name      string `json:"name,omitempty"`
	Namespace string `json:"namespace,omitempty"`
	// Path of the file, relative to the watched directory.
	Path string `json:"path"`
	// Line in the file, from 1; 0 when it has none.
	Line int `json:"line,omitempty"`
	// Field, such as spec.repository.branch.
	Field string `json:"field,omitempty"`
	// Message says what is wrong and what is allowed.
	Message string `json:"message"`
	// Since is when it was first seen.
	Since time.Time `json:"since,omitzero"`
}

// workOrderList is a list of Kubernetes' shape, with one field more that its clients ignore.
type workOrderList struct {
	v1alpha1.WorkOrderList `json:",inline"`
	// Problems are the manifests that cannot be shown as orders.
	Problems []Problem `json:"problems"`
}

// String gives the problem as compilers write it.
func (p Problem) String() string {
	text := p.Message
	if p.Field != "" {
		text = p.Field + ": " + text
	}
	if p.Line == 0 {
		return p.Path + ": " + text
	}
	return fmt.Sprintf("%s:%d: %s", p.Path, p.Line, text)
}

// list answers with all orders, or those selected, and with the manifests that are broken.
func (s *Server) list(w http.ResponseWriter, r *http.Request) {
	wanted, err := selectionOf(r)
	if err != nil {
		writeError(w, r, err)
		return
	}
	orders, err := s.config.Orders.List(r.Context())
	if err != nil {
		writeError(w, r, err)
		return
	}
	out := workOrderList{WorkOrderList: orders, Problems: wanted.problems(s.config.Orders.Problems())}
	out.TypeMeta = metav1.TypeMeta{APIVersion: v1alpha1.GroupVersion.String(), Kind: v1alpha1.Kind + "List"}
	out.Items = wanted.orders(orders.Items)
	writeJSON(w, r, http.StatusOK, out)
}

// get answers with one order.
func (s *Server) get(w http.ResponseWriter, r *http.Request) {
	name, namespace := r.PathValue("name"), r.PathValue("namespace")
	if err := refuseWatch(r.URL.Query()); err != nil {
		writeError(w, r, err)
		return
	}
	order, err := s.config.Orders.Get(r.Context(), name)
	if err == nil && (order == nil || namespace != "" && order.NamespaceOrDefault() != namespace) {
		err = apierrors.NewNotFound(v1alpha1.GroupVersion.WithResource("workorders").GroupResource(), name)
	}
	if err != nil {
		writeError(w, r, s.explained(err, name, namespace))
		return
	}
	writeJSON(w, r, http.StatusOK, complete(*order))
}

// explained adds to "not found" what keeps the manifest of that name from being an order.
func (s *Server) explained(err error, name, namespace string) error {
	var known *apierrors.StatusError
	if !apierrors.IsNotFound(err) || !errors.As(err, &known) {
		return err
	}
	status := *known.ErrStatus.DeepCopy()
	for _, p := range (selection{namespace: namespace}).problems(s.config.Orders.Problems()) {
		if p.Name != name {
			continue
		}
		status.Message += "; its manifest cannot be read: " + p.String()
		if status.Details != nil {
			status.Details.Causes = append(status.Details.Causes, metav1.StatusCause{
				Type: metav1.CauseTypeFieldValueInvalid, Field: p.Field, Message: p.String(),
			})
		}
	}
	return &apierrors.StatusError{ErrStatus: status}
}

// orders returns copies of the orders that are selected; never nil.
func (s selection) orders(items []v1alpha1.WorkOrder) []v1alpha1.WorkOrder {
	out := make([]v1alpha1.WorkOrder, 0, len(items))
	for i := range items {
		o := &items[i]
		if (s.namespace == "" || o.NamespaceOrDefault() == s.namespace) && s.labels.Matches(labels.Set(o.Labels)) {
			out = append(out, complete(*o))
		}
	}
	return out
}

// problems leaves out what concerns another namespace for sure; never nil. Labels of what is broken nobody knows.
func (s selection) problems(found []Problem) []Problem {
	out := make([]Problem, 0, len(found))
	for _, p := range found {
		if s.namespace == "" || p.Namespace == "" || p.Namespace == s.namespace {
			out = append(out, p)
		}
	}
	return out
}

// complete fills in what every object of Kubernetes shows: kind, version and namespace.
func complete(o v1alpha1.WorkOrder) v1alpha1.WorkOrder {
	o.TypeMeta = metav1.TypeMeta{APIVersion: v1alpha1.GroupVersion.String(), Kind: v1alpha1.Kind}
	o.Namespace = o.NamespaceOrDefault()
	return o
}

// writeError answers with what an error carries; the text of one that carries nothing stays in the log.
func writeError(w http.ResponseWriter, r *http.Request, err error) {
	var known apierrors.APIStatus
	if errors.As(err, &known) && known.Status().Code >= http.StatusBadRequest {
		writeStatus(w, r, known.Status())
		return
	}
	logr.FromContextOrDiscard(r.Context()).Error(err, "Request failed", "path", r.URL.Path)
	writeStatus(w, r, metav1.Status{
		Reason: metav1.StatusReasonInternalError, Code: http.StatusInternalServerError,
		Message: "the controller could not answer; its log says why",
	})
}
