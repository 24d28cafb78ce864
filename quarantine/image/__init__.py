"""The check of pictures: segments of a JPEG, chunks of a PNG, Exif directories, and Pillow's second opinion."""
