// SPDX-License-Identifier: ISC

// Certificates a CPU second by golang.org/x/crypto/ssh: SignCert of a prepared
// certificate with an Ed25519 key.  It need not parse the subject's key line.
package main

import (
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"os"
	"runtime"
	"syscall"

	"golang.org/x/crypto/ssh"
)

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "sign.go:", err)
		os.Exit(1)
	}
}

// User and system time of all threads: the collector's too.
func cpuSeconds() float64 {
	var u syscall.Rusage
	must(syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return float64(u.Utime.Sec+u.Stime.Sec) +
		float64(u.Utime.Usec+u.Stime.Usec)/1e6
}

func main() {
	runtime.GOMAXPROCS(1)
	pub, _, err := ed25519.GenerateKey(rand.Reader)
	must(err)
	subject, err := ssh.NewPublicKey(pub)
	must(err)
	_, priv, err := ed25519.GenerateKey(rand.Reader)
	must(err)
	ca, err := ssh.NewSignerFromKey(priv)
	must(err)
	cert := ssh.Certificate{
		Key:             subject,
		Serial:          0x1234567890abcdef,
		CertType:        ssh.UserCert,
		KeyId:           "alice@example.com/00112233445566778899aabbccddeeff",
		ValidPrincipals: []string{"deploy", "viewer"},
		ValidAfter:      1772445600,
		ValidBefore:     1772449200,
		Permissions: ssh.Permissions{
			CriticalOptions: map[string]string{
				"source-address": "10.0.0.0/8,fd00::/8"},
			Extensions: map[string]string{"permit-pty": ""},
		},
	}
	slice := 0.4
	if os.Getenv("BENCH_QUICK") != "" {
		slice = 0.05
	}
	must(cert.SignCert(rand.Reader, ca))
	n, start := 0, cpuSeconds()
	for cpuSeconds()-start < slice {
		for i := 0; i < 100; i++ {
			must(cert.SignCert(rand.Reader, ca))
		}
		n += 100
	}
	fmt.Printf("%.0f\n", float64(n)/(cpuSeconds()-start))
}
