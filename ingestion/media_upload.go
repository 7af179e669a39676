package ingestion

import (
	"fmt"
	"image/png"
	"io"
)

// size is the width and height that pictures of a type must have, in pixels; false
// if any will do.
func (t ImageType) size() (width, height int, ok bool) {
	switch t {
	case LogoSmall:
		return 48, 48, true
	case LogoMedium:
		return 90, 90, true
	case LogoLarge:
		return 216, 216, true
	case LogoWide:
		return 255, 115, true
	default:
		return 0, 0, false
	}
}

// checkImage says what the service would not accept of a logo. Of other pictures
// nothing is known.
func checkImage(kind ImageType, content *io.SectionReader) error {
	width, height, ok := kind.size()
	if !ok {
		return nil
	}
	again := io.NewSectionReader(content, 0, content.Size())
	header, err := png.DecodeConfig(again)
	if err != nil {
		return fmt.Errorf("is no PNG file, as a logo must be: %w", err)
	}
	if header.Width != width || header.Height != height {
		return fmt.Errorf("has %d x %d pixels; %s must have %d x %d", header.Width, header.Height, kind, width, height)
	}
	// Now that it is known to be small, all of it: a file that was cut would be
	// found out by customers only.
	if _, err := png.Decode(io.NewSectionReader(content, 0, content.Size())); err != nil {
		return fmt.Errorf("is a PNG file that cannot be read to its end: %w", err)
	}
	return nil
}
