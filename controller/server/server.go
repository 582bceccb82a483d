// Package server answers HTTP: whether the controller is healthy and ready, and what the WorkOrders' statuses are.
// It changes nothing; whoever wants something done edits a manifest.
package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/go-logr/logr"

	"github.com/agent-work-orders/awo/api/v1alpha1"
)

// Limits of the listener. Requests have no body that is read and answers fit into memory, so they are short.
const (
	// maxConnections bounds the descriptors that strangers can take away from the orders. Most probes keep one open.
	maxConnections    = 512
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 10 * time.Second
	writeTimeout      = 60 * time.Second
	idleTimeout       = 60 * time.Second
	// maxHeader bounds a request's line and headers together.
	maxHeader = 16 << 10
	// headerSlack is what net/http adds to the bound that it is given.
	headerSlack = 4 << 10
	// shutdownGrace is how long answers under way may take once the server is told to end.
	shutdownGrace = 3 * time.Second
)

// Orders is where the WorkOrders come from.
type Orders interface {
	// List returns all orders, as they are to be shown.
	List(ctx context.Context) (v1alpha1.WorkOrderList, error)
	// Get returns one order by its name; apierrors.NotFound when there is none.
	Get(ctx context.Context, name string) (*v1alpha1.WorkOrder, error)
	// Problems returns what is wrong with manifests that cannot be shown as orders.
	Problems() []Problem
}

// Health is what is known of the controller's own state.
type Health interface {
	// Health reports on everything the controller depends on. It should not take longer than ctx.
	Health(ctx context.Context) HealthReport
	// Ready returns nil, or why the controller should get no new orders. Errors joined by errors.Join are shown
	// as separate reasons.
	Ready() error
}

// Auth says who may read what the health paths do not show.
type Auth string

const (
	// AuthToken lets those in who present the token of the token file.
	AuthToken Auth = "token"
	// AuthNone lets everyone in who can reach the port.
	AuthNone Auth = "none"
)

// Config says what a Server serves.
type Config struct {
	Orders Orders
	Health Health
	// Auth is AuthToken when empty.
	Auth Auth
	// Token is required for AuthToken; see EnsureToken.
	Token string
	// TokenFile is where the token lies; the answer 401 names it.
	TokenFile string
	// WorkOrdersDir is the watched directory; the answer 405 names it.
	WorkOrdersDir string
}

// Server is the HTTP endpoint. Listen opens the port, Run answers.
type Server struct {
	config   Config
	crowd    *crowd
	http     *http.Server
	listener net.Listener
	// bindHost is the host of the address that Listen was given.
	bindHost string
}

// New checks the configuration. Without a token it takes an explicit AuthNone: nothing is opened by mistake.
func New(c Config) (*Server, error) {
	if c.Auth == "" {
		c.Auth = AuthToken
	}
	switch {
	case c.Auth != AuthToken && c.Auth != AuthNone:
		return nil, fmt.Errorf("http authentication %q is not known: use %s or %s", c.Auth, AuthToken, AuthNone)
	case c.Auth == AuthToken && c.Token == "":
		return nil, errors.New("http authentication by token needs a token, and there is none")
	}
	s := &Server{config: c, crowd: newCrowd(maxConnections)}
	s.http = &http.Server{
		Handler:     s.crowd.answering(s.Handler()),
		ConnState:   s.crowd.changed,
		ConnContext: s.crowd.context,
		// OPTIONS * is refused like any other method.
		DisableGeneralOptionsHandler: true,

		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader - headerSlack,
	}
	return s, nil
}

// Listen opens the port, such as 127.0.0.1:8888, so that a port in use ends the start and not a goroutine later.
func (s *Server) Listen(ctx context.Context, addr string) error {
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", addr)
	if err != nil {
		return fmt.Errorf("http endpoint cannot listen on %s; choose another with --port and --bind-address: %w", addr, err)
	}
	s.listener = listener
	s.bindHost, _, _ = net.SplitHostPort(addr)
	return nil
}

// Addr is the address that Listen opened, nil before.
func (s *Server) Addr() net.Addr {
	if s.listener == nil {
		return nil
	}
	return s.listener.Addr()
}

// Run answers until ctx ends, then lets the answers under way finish, 3 s at most. It returns nil after a stop that
// was asked for.
func (s *Server) Run(ctx context.Context) error {
	if s.listener == nil {
		return errors.New("http endpoint: Listen was not called")
	}
	log := logr.FromContextOrDiscard(ctx)
	s.http.ErrorLog = slog.NewLogLogger(logr.ToSlogHandler(log.V(1)), slog.LevelInfo)
	// An answer under way outlives the order to stop.
	s.http.BaseContext = func(net.Listener) context.Context { return context.WithoutCancel(ctx) }

	ended := make(chan error, 1)
	go func() { ended <- s.http.Serve(s.listener) }()
	select {
	case err := <-ended:
		return fmt.Errorf("http endpoint on %s ended: %w", s.listener.Addr(), err)
	case <-ctx.Done():
	}
	err := s.shutdown(ctx)
	if served := <-ended; err == nil && !errors.Is(served, http.ErrServerClosed) {
		err = fmt.Errorf("http endpoint on %s ended: %w", s.listener.Addr(), served)
	}
	return err
}

// Close closes the port of a server that was never Run. After Run it does nothing.
func (s *Server) Close() error {
	if s.listener == nil {
		return nil
	}
	if err := s.listener.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		return fmt.Errorf("closing the http endpoint: %w", err)
	}
	return nil
}

// shutdown waits for answers under way on a fresh context, the former having ended, and then cuts them off.
func (s *Server) shutdown(ctx context.Context) error {
	fresh, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownGrace)
	defer cancel()
	err := s.http.Shutdown(fresh)
	if errors.Is(err, context.DeadlineExceeded) {
		err = s.http.Close()
	}
	if err != nil {
		return fmt.Errorf("ending the http endpoint: %w", err)
	}
	return nil
}
