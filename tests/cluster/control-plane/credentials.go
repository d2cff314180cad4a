package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Who may call the API server: a token and a kubeconfig each.
var users = []struct{ file, name, groups string }{
	{"kubeconfig", "admin", "system:masters"},
	{"nobody.kubeconfig", "nobody", ""}, // authenticated and without any rights: for tests of RBAC
	{"controller-manager.kubeconfig", "system:kube-controller-manager", "system:masters"},
	{"scheduler.kubeconfig", "system:kube-scheduler", ""},
	{"kwok.kubeconfig", "kwok", "system:masters"},
}

// writeCredentials leaves in dir what the components and their clients authenticate with. Keys, certificates and
// tokens that are there already stay, so that a kubeconfig still works after a restart on the same port.
func writeCredentials(dir string, port int) (*x509.CertPool, error) {
	ca, err := certificate(dir, "ca", nil, &x509.Certificate{
		Subject: pkix.Name{CommonName: "test-control-plane"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	})
	if err != nil {
		return nil, err
	}
	if _, err := certificate(dir, "server", ca, &x509.Certificate{
		Subject:     pkix.Name{CommonName: "kube-apiserver"},
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames: []string{"localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc",
			"kubernetes.default.svc.cluster.local"},
		IPAddresses: []net.IP{net.ParseIP("127.0.0.1"), net.ParseIP("10.0.0.1")},
	}); err != nil {
		return nil, err
	}
	// An administrator by certificate, for tests of kubeconfigs that carry one.
	if _, err := certificate(dir, "admin", ca, &x509.Certificate{
		Subject:     pkix.Name{CommonName: "admin-by-certificate", Organization: []string{"system:masters"}},
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}); err != nil {
		return nil, err
	}
	serviceAccounts, err := key(filepath.Join(dir, "sa.key"))
	if err != nil {
		return nil, err
	}
	public, err := x509.MarshalPKIXPublicKey(&serviceAccounts.PublicKey)
	if err != nil {
		return nil, err
	}
	if err := writePEM(filepath.Join(dir, "sa.pub"), "PUBLIC KEY", public); err != nil {
		return nil, err
	}

	caPEM, err := os.ReadFile(filepath.Join(dir, "ca.crt"))
	if err != nil {
		return nil, err
	}
	var tokens strings.Builder
	for _, user := range users {
		token, err := tokenIn(filepath.Join(dir, strings.TrimSuffix(user.file, "kubeconfig")+"token"))
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&tokens, "%s,%s,%s,%q\n", token, user.name, user.name, user.groups)
		if err := os.WriteFile(filepath.Join(dir, user.file), kubeconfig(port, caPEM, user.name, token), 0o600); err != nil {
			return nil, err
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "tokens.csv"), []byte(tokens.String()), 0o600); err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(caPEM)
	return pool, nil
}

func kubeconfig(port int, ca []byte, user, token string) []byte {
	return fmt.Appendf(nil, `apiVersion: v1
kind: Config
clusters:
- name: test
  cluster: {server: "https://127.0.0.1:%d", certificate-authority-data: %s}
users:
- name: %q
  user: {token: %q}
contexts:
- name: test
  context: {cluster: test, user: %q}
current-context: test
`, port, base64.StdEncoding.EncodeToString(ca), user, token, user)
}

type signer struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

// certificate makes NAME.crt and NAME.key, unless they are there. Without an issuer it signs itself.
func certificate(dir, name string, issuer *signer, template *x509.Certificate) (*signer, error) {
	own, err := key(filepath.Join(dir, name+".key"))
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, name+".crt")
	der, err := readPEM(path)
	if errors.Is(err, fs.ErrNotExist) {
		if template.SerialNumber, err = rand.Int(rand.Reader, big.NewInt(1<<62)); err != nil {
			return nil, err
		}
		template.NotBefore = time.Now().Add(-time.Hour)
		template.NotAfter = time.Now().AddDate(10, 0, 0)
		if issuer == nil {
			issuer = &signer{template, own}
		}
		if der, err = x509.CreateCertificate(rand.Reader, template, issuer.certificate, &own.PublicKey, issuer.key); err != nil {
			return nil, err
		}
		err = writePEM(path, "CERTIFICATE", der)
	}
	if err != nil {
		return nil, err
	}
	parsed, err := x509.ParseCertificate(der)
	return &signer{parsed, own}, err
}

func key(path string) (*ecdsa.PrivateKey, error) {
	if der, err := readPEM(path); err == nil {
		return x509.ParseECPrivateKey(der)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	made, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalECPrivateKey(made)
	if err != nil {
		return nil, err
	}
	return made, writePEM(path, "EC PRIVATE KEY", der)
}

func tokenIn(path string) (string, error) {
	if text, err := os.ReadFile(path); err == nil {
		return string(text), nil
	} else if !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	token := rand.Text()
	return token, os.WriteFile(path, []byte(token), 0o600)
}

func writePEM(path, kind string, der []byte) error {
	return os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600)
}

func readPEM(path string) ([]byte, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, fmt.Errorf("%s: not PEM", path)
	}
	return block.Bytes, nil
}
