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

func TestListIsSelected(t *testing.T) {
	s := wellState()
	s.orders[0].Labels = map[string]string{"team": "web", "size": "big"}
	e := start(t, s, "")
	for query, want := range map[string][]string{
		"labelSelector=team%3Dweb":           {"one"},
		"labelSelector=team%20in%20(web,ui)": {"one"},
		"labelSelector=!team":                {"two"},
		"labelSelector=size!%3Dbig":          {"two"},
		"labelSelector=team%3Dnone":          {},
		"labelSelector=":                     {"one", "two"},
		"watch=false&limit=1":                {"one", "two"},
		"watch=0&resourceVersion=5":          {"one", "two"},
		"fieldSelector=&continue=":           {"one", "two"},
	} {
		a := e.ask("GET", root+"/workorders?"+query)
		e.Expect(e.names(a)).To(Equal(want), query)
		e.Expect(a.body).NotTo(ContainSubstring(`"continue"`), "no page is left out")
	}
	e.Expect(e.names(e.ask("GET", root+"/namespaces/team/workorders?labelSelector=team%3Dweb"))).To(BeEmpty())
	for query, say := range map[string]string{
		"labelSelector=a%3D%3D%3Db": "labelSelector",
		"watch=true":                "awo get -w", "watch": "awo get -w", "watch=1": "awo get -w", "watch=maybe": "awo get -w",
		"fieldSelector=metadata.name%3Done": "labelSelector", "continue=x": "whole",
	} {
		st := e.status(e.ask("GET", root+"/workorders?"+query), http.StatusBadRequest, metav1.StatusReasonBadRequest)
		e.Expect(st.Message).To(ContainSubstring(say), query)
	}
	e.status(e.ask("GET", root+"/workorders/one?watch=true"), http.StatusBadRequest, metav1.StatusReasonBadRequest)
}

func TestProblemsOfOthersAreLeftOut(t *testing.T) {
	s := wellState()
	s.problems = []server.Problem{
		{Path: "a.yaml", Name: "a", Namespace: "default", Message: "m"}, {Path: "b.yaml", Name: "b", Namespace: "team", Message: "m"},
		{Path: "c.yaml", Name: "c", Message: "m"}, {Path: "d.yaml", Message: "m"},
	}
	e := start(t, s, "")
	for path, want := range map[string][]string{
		"/workorders":                    {"a.yaml", "b.yaml", "c.yaml", "d.yaml"},
		"/namespaces/default/workorders": {"a.yaml", "c.yaml", "d.yaml"},
		"/namespaces/foo/workorders":     {"c.yaml", "d.yaml"},
	} {
		var list struct{ Problems []server.Problem }
		e.Expect(json.Unmarshal([]byte(e.ask("GET", root+path).body), &list)).To(Succeed())
		paths := make([]string, 0, len(list.Problems))
		for _, p := range list.Problems {
			paths = append(paths, p.Path)
		}
		e.Expect(paths).To(Equal(want), path)
	}
}

func TestNotFoundSaysWhatIsBroken(t *testing.T) {
	s := wellState()
	s.problems = []server.Problem{
		{Path: "a/b.yaml", Name: "broken", Namespace: "default", Line: 7, Field: "spec.reqest", Message: "unknown field"},
		{Path: "other.yaml", Name: "other", Message: "m"},
	}
	e := start(t, s, "")
	for _, path := range []string{"/workorders/broken", "/namespaces/default/workorders/broken"} {
		st := e.status(e.ask("GET", root+path), http.StatusNotFound, metav1.StatusReasonNotFound)
		e.Expect(st.Message).To(Equal(`workorders.awo.archon.dev "broken" not found; its manifest cannot be read: a/b.yaml:7: spec.reqest: unknown field`))
		e.Expect(st.Details.Causes).To(Equal([]metav1.StatusCause{
			{Type: metav1.CauseTypeFieldValueInvalid, Field: "spec.reqest", Message: "a/b.yaml:7: spec.reqest: unknown field"},
		}))
	}
	for _, path := range []string{"/namespaces/team/workorders/broken", "/workorders/none"} {
		st := e.status(e.ask("GET", root+path), http.StatusNotFound, metav1.StatusReasonNotFound)
		e.Expect(st.Message).To(HaveSuffix("not found"))
	}
}
