package server

import (
	"net/http"
	"net/url"
	"strconv"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/labels"
)

// selection is which orders a request asks for.
type selection struct {
	namespace string // empty: all
	labels    labels.Selector
}

// selectionOf reads the query of a list. What would change the answer and is not carried out is refused: a client that
// got all orders in place of some, or one list in place of a stream, would take it for what it asked for. A limit is
// none of that: a server may send more, and then names no page to go on with.
func selectionOf(r *http.Request) (selection, error) {
	query := r.URL.Query()
	if err := refuseWatch(query); err != nil {
		return selection{}, err
	}
	if query.Get("fieldSelector") != "" {
		return selection{}, apierrors.NewBadRequest("fieldSelector is not supported: use labelSelector, or ask for one order by its name")
	}
	if query.Get("continue") != "" {
		return selection{}, apierrors.NewBadRequest("continue is not supported: every list is whole")
	}
	selector, err := labels.Parse(query.Get("labelSelector"))
	if err != nil {
		return selection{}, apierrors.NewBadRequest("labelSelector: " + err.Error())
	}
	return selection{namespace: r.PathValue("namespace"), labels: selector}, nil
}

// refuseWatch refuses a stream of changes. As in Kubernetes the word alone means true.
func refuseWatch(query url.Values) error {
	if !query.Has("watch") {
		return nil
	}
	if watch, err := strconv.ParseBool(query.Get("watch")); err == nil && !watch {
		return nil
	}
	return apierrors.NewBadRequest("watch is not supported: ask again from time to time, or use `awo get -w` on the controller's machine")
}
