// Package browsertest holds no code, only tests: a real Chromium goes through the sign-in
// pages of the fake Entra ID and comes back to the listeners of package auth. It is a module
// of its own so that nobody else depends on the DevTools client.
//
// The tests need a command chromium, chromium-browser or google-chrome (Debian: apt-get
// install chromium). Without one they are skipped, and fail where CI=true.
package browsertest
