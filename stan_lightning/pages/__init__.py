"""Pages and pictures.

page: A self-contained page of sections, tables and pictures, all names escaped.
metric_tables: Metrics and baselines as tables of a page.
report_page: One evaluation as a page.
validity_section: Calibration, screening, change, reliability and memory as a section of that page.
class_report: One evaluation of told classes as a page.
class_figures: Its pictures.
pseudonyms: Recordings by numbers in place of names.
gates: How a network weighed its modalities, as a section of that page.
comparison_page: Several runs side by side, and the difference between any two.
comparison_files: What a comparison leaves on disk and on the terminal.
timeline: Where windows and scores lie in a picture of one recording's time.
gallery: A folder with a page on which an evaluation's errors can be looked at and listened to.
gallery_page: That page.
gallery_media: What it shows of one recording: faces, film with sound, waveform.
figures: The pictures of a report, matplotlib figures as SVG.
attention_maps: Where the network looks: its own attention, and Grad-CAM++ in 3-D.
predictions_page: One prediction as a page.
views: Where a network looks in one recording: a picture and a film.
overlay: Pictures of where the network looks: a still, and a film.
"""
