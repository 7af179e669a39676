package ingestion

import "fmt"

// Complete ends a submission well: in preview, or live if it has been promoted.
func (s *Server) Complete(submissionID string) error {
	return s.end(submissionID, func(sub *submission) Step {
		if sub.Promoted {
			return Live()
		}
		return Ready()
	})
}

// Fail lets a submission fail in the phase that is under way.
func (s *Server) Fail(submissionID string) error {
	return s.end(submissionID, func(sub *submission) Step {
		phase := sub.running()
		if sub.Promoted {
			phase = max(phase, PhaseCertification)
		}
		return Fail(phase, Finding{Code: "pctest", Severity: "Error", Message: "The submission was made to fail"})
	})
}

func (s *Server) end(submissionID string, step func(*submission) Step) error {
	now := s.cfg.Clock.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.products {
		for _, sub := range p.Submissions {
			if sub.ID == submissionID {
				sub.advance(s, now)
				sub.finish(step(sub), s, now)
				return nil
			}
		}
	}
	return fmt.Errorf("ingestion: there is no submission %q", submissionID)
}

// Reset forgets the products, with all that belongs to them, and the scripts. Settings
// stay, and ids are not used again.
func (s *Server) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.products {
		s.dropFiles(p)
	}
	clear(s.index)
	s.products, s.scripts, s.packages = nil, nil, nil
}

// dropFiles removes what was uploaded for a product. The lock is held.
func (s *Server) dropFiles(p *product) {
	for _, i := range p.Items {
		if i.File != "" {
			_ = s.cfg.Blobs.Delete(i.File) // in memory: cannot fail
		}
	}
}
