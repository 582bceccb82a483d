package server

import (
	"errors"
	"net/http"
	"time"

	"github.com/go-logr/logr"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/agent-work-orders/awo/api/v1alpha1"
)

// Problem is something wrong with a manifest that keeps it from being an order.
type Problem struct {
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

// list answers with all orders, or those of a namespace, and with the manifests that are broken.
func (s *Server) list(w http.ResponseWriter, r *http.Request) {
	orders, err := s.config.Orders.List(r.Context())
	if err != nil {
		writeError(w, r, err)
		return
	}
	out := workOrderList{WorkOrderList: orders, Problems: s.config.Orders.Problems()}
	out.TypeMeta = metav1.TypeMeta{APIVersion: v1alpha1.GroupVersion.String(), Kind: v1alpha1.Kind + "List"}
	out.Items = inNamespace(orders.Items, r.PathValue("namespace"))
	if out.Problems == nil {
		out.Problems = []Problem{}
	}
	writeJSON(w, r, http.StatusOK, out)
}

// get answers with one order.
func (s *Server) get(w http.ResponseWriter, r *http.Request) {
	name, namespace := r.PathValue("name"), r.PathValue("namespace")
	order, err := s.config.Orders.Get(r.Context(), name)
	if err == nil && (order == nil || namespace != "" && order.NamespaceOrDefault() != namespace) {
		err = apierrors.NewNotFound(v1alpha1.GroupVersion.WithResource("workorders").GroupResource(), name)
	}
	if err != nil {
		writeError(w, r, err)
		return
	}
	writeJSON(w, r, http.StatusOK, complete(*order))
}

// inNamespace returns copies of the orders of a namespace, or of all when none is named; never nil.
func inNamespace(items []v1alpha1.WorkOrder, namespace string) []v1alpha1.WorkOrder {
	out := make([]v1alpha1.WorkOrder, 0, len(items))
	for i := range items {
		if namespace == "" || items[i].NamespaceOrDefault() == namespace {
			out = append(out, complete(items[i]))
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
