// Package storetest holds implementations of [auth.TokenStore] to what the interface
// promises. All stores of this module run it; run it for your own like this:
//
//	func TestStore(t *testing.T) {
//		storetest.Run(t, func(t *testing.T, place string) auth.TokenStore {
//			store, err := mystore.Open(mystore.Config{Namespace: place})
//			if err != nil {
//				t.Fatal(err)
//			}
//			t.Cleanup(store.Close)
//			return store
//		}, &storetest.Options{Processes: true})
//	}
//
// A place is where records live: stores opened at one place are one store, stores opened
// at two places know nothing of each other. It is the path of a directory that does not
// exist, below one that does; a store that needs something else may use it as a prefix, or
// make a name of its hash.
//
// What a store can do besides loading and saving ([auth.Locker], [auth.Lister],
// [auth.Deleter]) is tested if it can; what it cannot do is a skipped subtest.
//
// With [Options.Processes] the test binary is started again as further processes, which
// enter the same test function and, in Run, find out that they are one of them. They
// inherit the environment; a test that starts a server tells them there where it is. Call
// Run once per test function, directly and not in a subtest with a name that changes.
package storetest
