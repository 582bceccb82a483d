package server_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"sync/atomic"
	"testing"

	. "github.com/onsi/gomega"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/agent-work-orders/awo/api/v1alpha1"
	"github.com/agent-work-orders/awo/controller/server"
)

const (
	token = "0123456789abcdef0123456789abcdef"
	root  = "/apis/awo.archon.dev/v1alpha1"
)

// state is what the controller would know.
type state struct {
	orders   []v1alpha1.WorkOrder
	problems []server.Problem
	err      error
	report   server.HealthReport
	ready    error
	// asked counts how often the orders were looked at.
	asked atomic.Int64
	// entered and release hold a request in its middle, if set.
	entered, release chan struct{}
}

func (s *state) List(context.Context) (v1alpha1.WorkOrderList, error) {
	s.asked.Add(1)
	return v1alpha1.WorkOrderList{Items: s.orders}, s.err
}

func (s *state) Get(_ context.Context, name string) (*v1alpha1.WorkOrder, error) {
	s.asked.Add(1)
	for i := range s.orders {
		if s.orders[i].Name == name {
			return &s.orders[i], s.err
		}
	}
	if s.err != nil {
		return nil, s.err
	}
	return nil, apierrors.NewNotFound(schema.GroupResource{Group: "awo.archon.dev", Resource: "workorders"}, name)
}

func (s *state) Problems() []server.Problem { return s.problems }

func (s *state) Health(ctx context.Context) server.HealthReport {
	if s.entered != nil {
		close(s.entered)
		<-s.release
	}
	report := s.report
	report.Volume.Writable = report.Volume.Writable && ctx.Err() == nil
	return report
}

func (s *state) Ready() error { return s.ready }

func order(namespace, name string) v1alpha1.WorkOrder {
	return v1alpha1.WorkOrder{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: namespace},
		Spec:       v1alpha1.WorkOrderSpec{Request: "do <it> & more"},
		Status:     &v1alpha1.WorkOrderStatus{Phase: v1alpha1.PhaseSucceeded},
	}
}

func wellState() *state {
	return &state{
		orders: []v1alpha1.WorkOrder{order("", "one"), order("team", "two")},
		report: server.HealthReport{
			Version: "0.1.0", Volume: server.Volume{Path: "/data", Writable: true},
			Dependencies: map[string]server.Dependency{
				"git": {Available: true, Version: "2.39.5", Path: "/usr/bin/git"}, "claude": {Message: "not found"}, "gh": {},
			},
			Tokens: map[string]bool{"github": true, "anthropic": false},
			Orders: map[string]int{"Succeeded": 2},
		},
	}
}

// endpoint is a running server.
type endpoint struct {
	*WithT
	t      *testing.T
	url    string
	server *server.Server
	stop   func() error
}

// start runs a server on a free port and stops it at the end of the test.
func start(t *testing.T, s *state, auth server.Auth) *endpoint {
	t.Helper()
	e := &endpoint{WithT: NewWithT(t), t: t}
	srv, err := server.New(server.Config{
		Orders: s, Health: s, Auth: auth, Token: token, TokenFile: "/data/server-token", WorkOrdersDir: "/data/workorders",
	})
	e.Expect(err).NotTo(HaveOccurred())
	e.Expect(srv.Listen(t.Context(), "127.0.0.1:0")).To(Succeed())
	e.server = srv
	e.url = "http://" + srv.Addr().String()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- srv.Run(ctx) }()
	stopped := false
	e.stop = func() error {
		if stopped {
			return nil
		}
		stopped = true
		cancel()
		return <-ended
	}
	t.Cleanup(func() { e.Expect(e.stop()).To(Succeed()) })
	return e
}

// answer is a response that was read to its end.
type answer struct {
	code   int
	header http.Header
	body   string
}

// ask sends a request, with the right token unless another is given.
func (e *endpoint) ask(method, path string, authorization ...string) answer {
	req, err := http.NewRequestWithContext(e.t.Context(), method, e.url+path, http.NoBody)
	e.Expect(err).NotTo(HaveOccurred())
	req.Header.Set("Authorization", "Bearer "+token)
	if len(authorization) > 0 {
		req.Header.Set("Authorization", authorization[0])
	}
	resp, err := http.DefaultClient.Do(req)
	e.Expect(err).NotTo(HaveOccurred())
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	e.Expect(err).NotTo(HaveOccurred())
	return answer{resp.StatusCode, resp.Header, string(body)}
}

// status expects an error in Kubernetes' shape.
func (e *endpoint) status(a answer, code int, reason metav1.StatusReason) metav1.Status {
	e.Expect(a.code).To(Equal(code), a.body)
	e.Expect(a.header.Get("Content-Type")).To(Equal("application/json"))
	var s metav1.Status
	e.Expect(json.Unmarshal([]byte(a.body), &s)).To(Succeed())
	e.Expect(s.TypeMeta).To(Equal(metav1.TypeMeta{APIVersion: "v1", Kind: "Status"}))
	e.Expect(s.Status).To(Equal("Failure"))
	e.Expect(s.Code).To(BeEquivalentTo(code))
	e.Expect(s.Reason).To(Equal(reason))
	return s
}

// names reads a list and returns its orders' names.
func (e *endpoint) names(a answer) []string {
	e.Expect(a.code).To(Equal(http.StatusOK), a.body)
	var list v1alpha1.WorkOrderList
	e.Expect(json.Unmarshal([]byte(a.body), &list)).To(Succeed())
	names := make([]string, 0, len(list.Items))
	for i := range list.Items {
		o := &list.Items[i]
		e.Expect(o.Kind).To(Equal("WorkOrder"))
		e.Expect(o.Namespace).NotTo(BeEmpty())
		names = append(names, o.Name)
	}
	return names
}
