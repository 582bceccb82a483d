package main

import (
	"fmt"
	"net/http"
	"strings"
	"time"
)

// judgeLogin says how a login went; renew is where another credential is had.
func judgeLogin(check, service string, a answer, renew string) finding {
	text := fmt.Sprintf("%s answers %d %s", service, a.status, http.StatusText(a.status))
	if a.detail != "" {
		text += ": " + a.detail
	}
	switch {
	case a.err != nil:
		detail, advice := judgeUnreachable(a.err)
		return finding{check, verdictFail, service + " cannot be reached: " + detail, advice}
	case a.status == http.StatusOK && a.who != "":
		return finding{check, verdictOK, "known to " + service + " as " + a.who, ""}
	case a.status == http.StatusOK:
		return finding{check, verdictOK, "known to " + service, ""}
	case a.status == http.StatusUnauthorized:
		return finding{check, verdictFail, "refused: " + text, "it is wrong, expired or revoked: " + renew}
	case a.status == http.StatusForbidden:
		return finding{check, verdictFail, "refused: " + text, "it may not do this; give it more rights, or have it authorised for the organisation's single sign-on, or " + renew}
	case a.status == http.StatusProxyAuthRequired:
		return finding{check, verdictFail, text, "the proxy wants a password: HTTPS_PROXY=http://USER:PASSWORD@HOST:PORT"}
	case a.status == http.StatusTooManyRequests:
		return finding{check, verdictWarn, text, "try again later"}
	}
	return finding{check, verdictFail, text, "that is neither yes nor no; try again later, and look at the proxy or gateway if there is one"}
}

// trouble ties a text of the network to what mends it. gh has its errors in words alone, so it is by words.
type trouble struct {
	texts  []string
	advice string
}

var troubles = []trouble{
	{[]string{"unknown authority", "self-signed", "self signed", "unable to get local issuer"},
		"its certificate is signed by an authority that is not known here, as of a company's proxy: put that authority's certificate (.crt or .pem) into a folder and name it by AWO_EXTRA_CA_CERTS"},
	{[]string{"expired or is not yet valid", "has expired", "not yet valid"},
		"the certificate is out of date, or the clock here is wrong: compare `date -u` with the time of another machine"},
	{[]string{"certificate is valid for", "doesn't contain any IP SANs", "not valid for any names"},
		"the certificate is for another name: check the host's name, and the proxy if there is one"},
	{[]string{"no such host", "server misbehaving", "Temporary failure in name resolution"},
		"the name is not known: check the DNS of this machine or container and the host's name"},
	{[]string{"deadline exceeded", "imeout", "timed out"},
		"no answer in time: check firewall and proxy (HTTPS_PROXY, NO_PROXY)"},
	{[]string{"proxyconnect", "Proxy Authentication"}, "the proxy does not let it through: check HTTPS_PROXY, HTTP_PROXY and NO_PROXY"},
	{[]string{"connection refused", "unreachable"}, "nothing answers there: check address, firewall and proxy (HTTPS_PROXY, NO_PROXY)"},
	{[]string{"is in no directory of PATH", "no such file"}, "install it; see the line of the program above"},
}

// judgeUnreachable says why there was no answer, on one line, and what to do.
func judgeUnreachable(err error) (detail, advice string) {
	detail = strings.Join(strings.Fields(err.Error()), " ")
	for _, each := range troubles {
		for _, text := range each.texts {
			if strings.Contains(detail, text) {
				return detail, each.advice
			}
		}
	}
	return detail, "check the network and the proxy (HTTPS_PROXY, NO_PROXY)"
}

// skewAllowed is how far clocks may be apart before tokens and certificates suffer.
const skewAllowed = 5 * time.Minute

// judgeClock compares the Date of an answer with the clock here; without one it says nothing.
func (d *doctor) judgeClock(service, date string) []finding {
	theirs, err := http.ParseTime(date)
	if err != nil {
		return nil
	}
	skew := d.clock.Now().Sub(theirs).Round(time.Second)
	way := "ahead of"
	if skew < 0 {
		way, skew = "behind", -skew
	}
	if skew <= skewAllowed {
		return nil
	}
	return []finding{{"clock", verdictWarn, fmt.Sprintf("the clock here is %s %s that of %s", skew, way, service),
		"set it, as by NTP on the host of the container: certificates and tokens are refused, and times in records are wrong"}}
}
