package server_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/controller/server"
)

func TestList(t *testing.T) {
	s := wellState()
	e := start(t, s, "")
	a := e.ask("GET", root+"/workorders")
	e.Expect(e.names(a)).To(Equal([]string{"one", "two"}))
	e.Expect(a.body).To(ContainSubstring(`"apiVersion":"awo.archon.dev/v1alpha1"`))
	e.Expect(a.body).To(ContainSubstring(`"kind":"WorkOrderList"`))
	e.Expect(a.body).To(ContainSubstring(`"problems":[]`))
	e.Expect(a.body).To(ContainSubstring(`do <it> & more`))
	e.Expect(e.names(e.ask("GET", root+"/namespaces/default/workorders"))).To(Equal([]string{"one"}))
	e.Expect(e.names(e.ask("GET", root+"/namespaces/team/workorders"))).To(Equal([]string{"two"}))
	e.Expect(e.names(e.ask("GET", root+"/namespaces/none/workorders"))).To(BeEmpty())
	e.Expect(e.ask("GET", root+"/namespaces/none/workorders").body).To(ContainSubstring(`"items":[]`))
	e.Expect(s.orders[0].Namespace).To(BeEmpty(), "what the controller holds stays as it is")
}

func TestListShowsBrokenManifests(t *testing.T) {
	s := wellState()
	s.problems = []server.Problem{{Path: "a/b.yaml", Line: 7, Field: "spec.request", Message: "is missing", Since: time.Unix(0, 0).UTC()}, {Path: "c.yaml", Message: "m"}}
	e := start(t, s, "")
	var list struct {
		Problems []map[string]any `json:"problems"`
	}
	e.Expect(json.Unmarshal([]byte(e.ask("GET", root+"/workorders").body), &list)).To(Succeed())
	e.Expect(list.Problems).To(Equal([]map[string]any{
		{"path": "a/b.yaml", "line": 7.0, "field": "spec.request", "message": "is missing", "since": "1970-01-01T00:00:00Z"},
		{"path": "c.yaml", "message": "m"},
	}))
}

func TestGet(t *testing.T) {
	e := start(t, wellState(), "")
	for _, path := range []string{"/workorders/one", "/namespaces/default/workorders/one"} {
		a := e.ask("GET", root+path)
		e.Expect(a.code).To(Equal(http.StatusOK))
		var o v1alpha1.WorkOrder
		e.Expect(json.Unmarshal([]byte(a.body), &o)).To(Succeed())
		e.Expect(o.Name).To(Equal("one"))
		e.Expect(o.Kind).To(Equal("WorkOrder"))
		e.Expect(o.Status.Phase).To(Equal(v1alpha1.PhaseSucceeded))
	}
	for _, path := range []string{"/workorders/none", "/namespaces/default/workorders/two", "/namespaces/team/workorders/one"} {
		st := e.status(e.ask("GET", root+path), http.StatusNotFound, metav1.StatusReasonNotFound)
		e.Expect(st.Message).To(ContainSubstring("not found"))
		e.Expect(st.Details.Kind).To(Equal("workorders"))
	}
}

func TestErrorsOfTheControllerStayInItsLog(t *testing.T) {
	s := wellState()
	s.err = errors.New("a secret detail")
	e := start(t, s, "")
	for _, path := range []string{"/workorders", "/workorders/none"} {
		a := e.ask("GET", root+path)
		e.status(a, http.StatusInternalServerError, metav1.StatusReasonInternalError)
		e.Expect(a.body).NotTo(ContainSubstring("secret detail"))
	}
}

func TestUnknownPath(t *testing.T) {
	e := start(t, wellState(), "")
	for _, path := range []string{"/", "/apis", "/health/", root + "/workorders/one/more", root + "/pods"} {
		e.status(e.ask("GET", path), http.StatusNotFound, metav1.StatusReasonNotFound)
	}
}
