package server

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"path"
	"strconv"
	"time"

	"github.com/go-logr/logr"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// openPaths are answered without a token: they are for probes, which have none.
var openPaths = map[string]bool{"/health": true, "/healthz": true, "/readyz": true}

// apiRoot is where the API of the group lies, as at a Kubernetes API server.
const apiRoot = "/apis/awo.archon.dev/v1alpha1"

// Handler returns everything that the server answers, for tests and for another listener.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/health", s.health)
	mux.HandleFunc("/healthz", s.alive)
	mux.HandleFunc("/readyz", s.ready)
	mux.HandleFunc(apiRoot+"/workorders", s.list)
	mux.HandleFunc(apiRoot+"/workorders/{name}", s.get)
	mux.HandleFunc(apiRoot+"/namespaces/{namespace}/workorders", s.list)
	mux.HandleFunc(apiRoot+"/namespaces/{namespace}/workorders/{name}", s.get)
	mux.HandleFunc("/", unknownPath)
	return protect(s.ownHost(s.readOnly(s.authenticate(asWritten(mux)))))
}

// asWritten answers paths with nothing to clean up. The others the router would send elsewhere, with a page for people.
func asWritten(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		written := r.URL.Path
		if clean := path.Clean(written); written != clean && written != clean+"/" {
			unknownPath(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// protect sets the headers that every answer carries: nothing is stored, framed, sniffed or run. No body is read, so
// that the connection ends with a request that has one: what follows could be taken for a request by one of two
// programs that disagree on its length.
func protect(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		if r.ContentLength != 0 {
			h.Set("Connection", "close")
			// The answer waits for nothing more. A writer of tests has no deadlines, and no client that is slow.
			_ = http.NewResponseController(w).SetReadDeadline(time.Unix(1, 0))
		}
		h.Set("Cache-Control", "no-store")
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("X-Content-Type-Options", "nosniff")
		next.ServeHTTP(w, r)
	})
}

// readOnly refuses what would change something and says how to do it instead.
func (s *Server) readOnly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet || r.Method == http.MethodHead {
			next.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Allow", "GET, HEAD")
		writeStatus(w, r, metav1.Status{
			Reason: metav1.StatusReasonMethodNotAllowed, Code: http.StatusMethodNotAllowed,
			Message: fmt.Sprintf("%s is not allowed: this endpoint only shows. To create, change or delete a WorkOrder use "+
				"`awo apply -f FILE` or put the manifest into %s", r.Method, s.config.WorkOrdersDir),
		})
	})
}

// unknownPath answers everything that is not there.
func unknownPath(w http.ResponseWriter, r *http.Request) {
	writeStatus(w, r, metav1.Status{
		Reason: metav1.StatusReasonNotFound, Code: http.StatusNotFound,
		Message: "there is nothing here; the WorkOrders are at " + apiRoot + "/workorders",
	})
}

// writeStatus answers with an error in the shape of Kubernetes.
func writeStatus(w http.ResponseWriter, r *http.Request, status metav1.Status) {
	status.TypeMeta = metav1.TypeMeta{APIVersion: "v1", Kind: "Status"}
	status.Status = metav1.StatusFailure
	writeJSON(w, r, int(status.Code), status)
}

// writeJSON answers with a whole object: its length is known, and a failure to encode it is a clean 500.
func writeJSON(w http.ResponseWriter, r *http.Request, code int, v any) {
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	encoder.SetEscapeHTML(false)
	if r.URL.Query().Has("pretty") {
		encoder.SetIndent("", "  ")
	}
	if err := encoder.Encode(v); err != nil {
		logr.FromContextOrDiscard(r.Context()).Error(err, "Answer could not be encoded", "path", r.URL.Path)
		http.Error(w, "the answer could not be encoded", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	write(w, r, code, body.Bytes())
}

// write sends a body; net/http leaves it out for HEAD, and keeps the length.
func write(w http.ResponseWriter, r *http.Request, code int, body []byte) {
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(code)
	if _, err := w.Write(body); err != nil {
		logr.FromContextOrDiscard(r.Context()).V(1).Info("Client went away before the answer was sent", "path", r.URL.Path)
	}
}
